"""Repositories of the demo: this project's own history, when it is a git checkout, and a small generated one."""

import subprocess
from datetime import datetime
from pathlib import Path

from read_model.updating import Job, Outcome
from sources.git.codebase import Limits
from sources.git.configuration import load_configuration
from sources.git.update import RepositoriesUpdater

ROOT = Path(__file__).parent.parent
ORGANISATION = "demo"
LIMITS = Limits(seconds=120, megabytes=500)
PEOPLE = ("Ada <ada@example.org>", "Grace <grace@example.org>", "Linus <linus@example.org>")
COMMITS = 120
HOURS_BETWEEN = 17
GENERATED = "generated.git"
GENERATED_ID = "3f6f9f3e-0c5d-4c53-9d0e-5d1f2a7b8c90"


def publish_repositories(data_dir: Path, now: datetime, *, with_own_history: bool = True) -> Outcome:
    """Extract the demo's repositories into a data directory, as the updater does."""
    place = data_dir / "demo-repositories"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / GENERATED).is_dir():
        _generate(place / GENERATED, now)
    codebases = f"  - id: {GENERATED_ID}\n    owner: demo\n    name: planning-poker\n    url: {GENERATED}\n"
    if with_own_history and (ROOT / ".git").exists():
        codebases += f"  - owner: demo\n    name: fpp-analytics\n    url: {ROOT}\n"
    file = place / "repositories.yaml"
    file.write_text(f"organization_id: {ORGANISATION}\ncodebases:\n{codebases}", encoding="utf-8")
    return RepositoriesUpdater(load_configuration(file), data_dir, LIMITS, tokens={}).run(Job())


def _generate(path: Path, now: datetime) -> None:
    """A repository of three people who take turns in a handful of files, up to `now`."""
    stream = "".join(_commit(number, now) for number in range(COMMITS))
    for command, given in ((["init", "--quiet", "--bare", "-b", "main"], ""), (["fast-import", "--quiet"], stream)):
        subprocess.run(  # noqa: S603 - no shell
            ["git", "--git-dir", str(path), *command],  # noqa: S607 - the git of PATH
            input=given.encode(),
            check=True,
        )


def _commit(number: int, now: datetime) -> str:
    seconds = int(now.timestamp()) - (COMMITS - number) * HOURS_BETWEEN * 3600
    person = PEOPLE[number * number % 7 % len(PEOPLE)]
    file = f"src/{('rooms', 'votes', 'users')[number % 3]}/part{number % 5}.py"
    text = "".join(f"value_{line} = {line * number % 11}\n" for line in range(5 + number % 40))
    message = f"Step {number}"
    return (
        f"commit refs/heads/main\ncommitter {person} {seconds} +0100\ndata {len(message)}\n{message}\n"
        f"M 100644 inline {file}\ndata {len(text)}\n{text}\n"
    )
