"""What the patches of a log don't show: renames, and what `--numstat` counts differently."""

from collections.abc import Iterator, Sequence

from sources.git.command import Git
from sources.git.log import PATCH_OPTIONS, Commit, FileChange, LogReader

RENAME_OPTIONS = (
    *("-z", "--raw", "--root", "--full-index", "--no-color", "--find-renames", "--find-copies", "-l1000"),
    *("--diff-filter=RC", "--diff-merges=first-parent", "--no-show-signature", "--no-notes", "--format=%x00%H"),
)
NUMSTAT_OPTIONS = (
    *("-z", "--numstat", "--root", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--diff-merges=first-parent", "--no-show-signature", "--no-notes", "--format=%x00%H"),
)
WALK = ("log", "--stdin", "--no-walk=unsorted")


def renames(git: Git, commits: Sequence[Commit]) -> dict[tuple[str, bytes], tuple[str, bytes]]:
    """Which added paths were renamed or copied from another path of the same commit, as `git -M -C` detects it.

    Returns:
        `R` or `C` and the previous path, by commit and path.
    """
    asked = [commit.sha for commit in commits if _may_rename(commit)]
    if not asked:
        return {}
    fields = iter(git.run(*WALK, *RENAME_OPTIONS, stdin="\n".join(asked).encode()).split(b"\0"))
    found: dict[tuple[str, bytes], tuple[str, bytes]] = {}
    sha = ""
    for field in fields:
        if field.lstrip(b"\n").startswith(b":"):
            status, previous, path = field.rpartition(b" ")[2], next(fields), next(fields)
            found[sha, path] = (chr(status[0]), previous)
        elif field:
            sha = field.decode()
    return found


def _may_rename(commit: Commit) -> bool:
    statuses = {change.status for change in commit.changes}
    return "A" in statuses and len(statuses) > 1


def recounted(git: Git, commits: Sequence[Commit]) -> None:
    """Count as `--numstat` does where a patch differs from it.

    A patch shows nothing for a binary file of which only the mode changed. A file that becomes a symlink is deleted
    and added by patches, while `--numstat` counts the difference.
    """
    asked = [commit for commit in commits if any(_is_told_otherwise(change) for change in commit.changes)]
    if not asked:
        return
    counts = _numstat(git, [commit.sha for commit in asked])
    for commit in asked:
        for change in filter(_is_told_otherwise, commit.changes):
            counted = counts[commit.sha, change.path]
            change.is_binary = counted is None
            # A submodule is not an object that could be compared.
            can_be_counted = change.is_binary or not change.is_submodule
            if counted != (change.added_lines, change.deleted_lines) and can_be_counted:
                _count_again(git, change)


def _is_told_otherwise(change: FileChange) -> bool:
    return change.status == "T" or change.old_id == change.new_id


def _count_again(git: Git, change: FileChange) -> None:
    change.added_lines = change.deleted_lines = change.added_bytes = change.deleted_bytes = 0
    if not change.is_binary and change.old_id != change.new_id:
        with git.output("diff", *PATCH_OPTIONS, change.old_id, change.new_id) as patch:
            LogReader(patch, 1).read_patch("of two files", change)


def _numstat(git: Git, shas: Sequence[str]) -> dict[tuple[str, bytes], tuple[int, int] | None]:
    """Added and deleted lines by commit and path; None for binary files."""
    output = git.run(*WALK, *NUMSTAT_OPTIONS, stdin="\n".join(shas).encode())
    return dict(_parsed_numstat(output))


def _parsed_numstat(output: bytes) -> Iterator[tuple[tuple[str, bytes], tuple[int, int] | None]]:
    sha = ""
    for field in output.split(b"\0"):
        added, tab, rest = field.lstrip(b"\n").partition(b"\t")
        if tab:
            deleted, _, path = rest.partition(b"\t")
            yield (sha, path), None if added == b"-" else (int(added), int(deleted))
        elif field.strip():
            sha = field.strip().decode()
