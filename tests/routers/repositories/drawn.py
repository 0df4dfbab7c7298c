"""A repository like real ones: people with several addresses and clocks, merges, renames, binaries, edge cases."""

from pathlib import Path
from random import Random

from tests.repositories import BOB, File, Repository

DAY_S = 24 * 3600
# 2026-01-05 00:00 UTC, a Monday.
BEGUN_S = 1_767_571_200
ANN, ANN_AT_HOME = "Ann <Ann@Work.example>", "ann k. <ann@home.example>"
CEM, DEE = "Cem <cem@future.example>", "Dee <dee@half.example>"
EVE, FAY = "Eve <eve@gone.example>", "Fay <fay@new.example>"
PEOPLE = (ANN, ANN_AT_HOME, BOB, CEM, DEE)
ZONES = ("+0000", "+0530", "-0330", "+0545", "+1400", "-1200")
PATHS = (
    "README.md",
    "Makefile",
    "src/a.py",
    "src/b.py",
    "src/x/c.js",
    "src/x/y/z/d.py",
    "docs/guide.md",
    "data/ä b.bin",
)
STEPS = 60
# The churn from which a commit counts as the next size, and one less.
SIZES = (9, 10, 49, 50, 199, 200)


def lines(count: int, mark: str) -> bytes:
    """`count` different lines."""
    return "".join(f"{mark} {number}\n" for number in range(count)).encode()


def drawn(path: Path) -> Repository:
    """The repository: `main`, three branches beside it, and commits until 2030."""
    made = Repository.new(path)
    draw = Random(7)  # noqa: S311 - nothing to guess
    made.commit({".mailmap": b"Ann <ann@work.example> <ANN@home.example>\n"}, author=ANN, seconds=BEGUN_S)
    made.commit({"src/a.py": lines(3, "eve")}, author=EVE, seconds=BEGUN_S + 100)
    for step in range(STEPS):
        _step(made, draw, step)
    _edges(made)
    base = made.head() or ""
    made.commit({"src/a.py": b"other\n"}, branch="topic", parents=[base], author=DEE, seconds=BEGUN_S + 75 * DAY_S)
    made.commit({"docs/t.md": b"t\n"}, branch="topic", author=CEM, seconds=BEGUN_S + 76 * DAY_S, zone="+0545")
    made.commit({"docs/t.md": b"u\n"}, branch="topic", author=FAY, seconds=BEGUN_S + 77 * DAY_S, zone="-0330")
    made.point("done", base)
    made.commit({"z": b"z"}, branch="ahead", parents=[base], author=CEM, seconds=1_893_456_000)
    made.commit({"alone/x.py": b"1\n2\n"}, branch="orphan", parents=[], author=BOB, seconds=BEGUN_S + 80 * DAY_S)
    return made


def _step(made: Repository, draw: Random, step: int) -> None:
    """A commit at some time of the first seventy days; every seventh one is a merge of a branch of one commit."""
    author, zone = draw.choice(PEOPLE), draw.choice(ZONES)
    # Some days stay quiet.
    at = BEGUN_S + step // 4 * 4 * DAY_S + draw.randrange(DAY_S)
    changes: dict[str | bytes, bytes | File | None] = {
        path: _content(draw, path) for path in draw.sample(PATHS, draw.randrange(1, 4))
    }
    if step % 7:
        made.commit(changes, seconds=at, author=author, zone=zone)
        return
    base = made.head() or ""
    side = made.commit(changes, branch="side", parents=[base], seconds=at, author=author, zone=zone)
    if step % 2:
        changes["src/evil.py"] = lines(step, "evil")
    made.commit(changes, parents=[base, side], seconds=at + 90, author=draw.choice(PEOPLE))


def _content(draw: Random, path: str) -> bytes | None:
    if path.endswith(".bin"):
        return bytes(draw.randrange(256) for _ in range(20)) + b"\0"
    if not draw.randrange(9):
        return None
    end = b"\n" if draw.randrange(3) else b""
    return b"\r\n".join(b"x" * draw.randrange(70) for _ in range(draw.randrange(1, 30))) + end


def _edges(made: Repository) -> None:
    """Sizes at their bounds; a refactoring and one that barely misses; three people with equal parts of a directory."""
    at = BEGUN_S + 71 * DAY_S
    for number, size in enumerate(SIZES):
        made.commit({f"sizes/{size}.py": lines(size, "s")}, seconds=at + number, author=BOB)
    made.commit({"r/one.py": lines(9, "a"), "r/two.py": lines(9, "a")}, seconds=at + 10, author=BOB)
    made.commit({"r/one.py": lines(10, "b")}, seconds=at + 11, author=BOB)
    made.commit({"r/two.py": lines(11, "b")}, seconds=at + 12, author=BOB)
    for number, person in enumerate((BOB, CEM, DEE)):
        made.commit({f"tie/{number}.txt": b"12345678\n"}, seconds=at + 20 + number, author=person)
