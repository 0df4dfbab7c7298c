"""Read what `git log -z --raw -p -U1` writes: commits, the paths they changed, lines and bytes.

Hunks are read by the counts in their headers, never by the look of a line: `--- x` may be a deleted SQL comment. One
line of context is needed: without any, git trims common tails first and counts other lines than `--numstat` does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from util.errors import EXIT_DATA, AnalyticsError

# Begins with NUL, so that the end of a patch is told from its next line.
FORMAT = "%x00" + "%x00".join(("%H", "%P", "%an", "%ae", "%cn", "%ce", "%ad", "%cd", "%B"))
# What makes the log independent of configuration and attributes, and equal to `git diff-tree --numstat`.
DIFF_OPTIONS = (
    *("-z", "--raw", "-p", "-U1", "--root", "--no-renames", "--full-index", "--no-color", "--date=raw"),
    *("--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=none", "--diff-algorithm=myers"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative"),
)
LOG_OPTIONS = (*DIFF_OPTIONS, "--diff-merges=first-parent", "--no-show-signature", "--no-notes", "--encoding=UTF-8")

ADDED, DELETED, CONTEXT, NO_NEWLINE = b"+"[0], b"-"[0], b" "[0], b"\\"[0]
HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
SUBMODULE = b"160000"


class UnexpectedLogError(AnalyticsError):
    """The log does not read as git writes it."""

    exit_code = EXIT_DATA

    def __init__(self, commit: str, what: str) -> None:
        super().__init__(f"The log of commit {commit} can't be read: {what}")


class TooManyChangesError(AnalyticsError):
    """A commit or tree names more paths than any real one."""

    exit_code = EXIT_DATA

    def __init__(self, commit: str, most: int) -> None:
        super().__init__(
            f"Commit {commit} changes more than {most:,} paths: leave them out with `exclude`, or the codebase"
        )


@dataclass(slots=True)
class FileChange:
    """A path that a commit changed; `status` is git's letter (A, M, D or T). Binary files count no lines."""

    path: bytes
    status: str
    old_id: str
    new_id: str
    is_submodule: bool = False
    added_lines: int = 0
    deleted_lines: int = 0
    added_bytes: int = 0
    deleted_bytes: int = 0
    is_binary: bool = False


@dataclass(slots=True)
class Commit:
    """A commit as it is written, before `.mailmap`: identities and message in the bytes git gives."""

    sha: str
    parents: tuple[str, ...]
    author: tuple[bytes, bytes]
    committer: tuple[bytes, bytes]
    authored: bytes
    committed: bytes
    message: bytes
    changes: list[FileChange] = field(default_factory=list)


class LogReader:
    """Reads commits from the lines of a log, in its order."""

    def __init__(self, lines: Iterator[bytes], most_changes: int) -> None:
        self._lines = lines
        self._line = next(lines, b"")
        self._most_changes = most_changes

    def commits(self) -> Iterator[Commit]:
        """Every commit with its changes.

        Raises:
            UnexpectedLogError: The log ends early or is no such log.
            TooManyChangesError: A commit changes more paths than allowed.
        """
        while self._line:
            yield self._commit()

    def changes(self, of: str) -> list[FileChange]:
        """The changes of a single difference of trees, as `git diff-tree` writes them; `of` names it in errors."""
        changes = self._raw_changes(of)
        self._read_patches(of, changes)
        return changes

    def _commit(self) -> Commit:
        if self._field():
            raise UnexpectedLogError("after the last one read", f"`{self._line[:40]!r}` is no beginning")
        sha = self._field().decode()
        parents = tuple(self._field().decode().split())
        author, committer = (self._field(), self._field()), (self._field(), self._field())
        commit = Commit(sha, parents, author, committer, self._field(), self._field(), self._field())
        if self._line == b"\n":
            self._next()
            commit.changes = self._raw_changes(sha)
            self._read_patches(sha, commit.changes)
        return commit

    def _raw_changes(self, of: str) -> list[FileChange]:
        """The raw records, which stand before the patches in the same order."""
        changes: list[FileChange] = []
        while self._line.startswith(b":"):
            modes = self._field().split(b" ")
            path = self._field()
            old_id, new_id = modes[2].decode(), modes[3].decode()
            changes.append(FileChange(path, chr(modes[4][0]), old_id, new_id, SUBMODULE in (modes[0][1:], modes[1])))
            if len(changes) > self._most_changes:
                raise TooManyChangesError(of, self._most_changes)
        if changes and self._field():
            raise UnexpectedLogError(of, "its paths are not followed by a patch")
        return changes

    def _read_patches(self, of: str, changes: list[FileChange]) -> None:
        for change in changes:
            # A file that becomes a link, or the other way round, is deleted by one patch and added by another.
            for _ in range(2 if change.status == "T" else 1):
                self.read_patch(of, change)

    def read_patch(self, of: str, change: FileChange) -> None:
        """Count the next patch into a change; `of` names it in errors."""
        if not self._line.startswith(b"diff --git "):
            raise UnexpectedLogError(of, f"`{self._line[:40]!r}` is where a patch of {change.path!r} should be")
        self._next()
        # Names in these lines are quoted, so none begins like a hunk or a patch.
        while self._line and not self._line.startswith((b"@@ ", b"diff --git ", b"\0")):
            change.is_binary |= self._line.startswith(b"Binary files ")
            self._next()
        while hunk := HUNK.match(self._line):
            self._read_hunk(of, change, int(hunk[1] or 1), int(hunk[2] or 1))

    def _read_hunk(self, of: str, change: FileChange, old: int, new: int) -> None:
        if old and new:
            self._read_mixed_hunk(of, change, old, new)
        elif new:
            change.added_lines += new
            change.added_bytes += self._bytes_of(new)
        else:
            change.deleted_lines += old
            change.deleted_bytes += self._bytes_of(old)
        self._next()
        if self._line.startswith(b"\\"):
            self._next()

    def _bytes_of(self, lines: int) -> int:
        """The bytes of the next lines, all of one kind, without marker and line end."""
        return sum(map(len, islice(self._lines, lines))) - 2 * lines

    def _read_mixed_hunk(self, of: str, change: FileChange, old: int, new: int) -> None:
        added = deleted = added_bytes = deleted_bytes = 0
        while old or new:
            line = next(self._lines, b"\0")
            origin = line[0]
            if origin == ADDED:
                new -= 1
                added += 1
                added_bytes += len(line)
            elif origin == DELETED:
                old -= 1
                deleted += 1
                deleted_bytes += len(line)
            elif origin == CONTEXT:
                old -= 1
                new -= 1
            elif origin != NO_NEWLINE:
                raise UnexpectedLogError(of, f"a hunk of {change.path!r} is shorter than it says")
        change.added_lines += added
        change.deleted_lines += deleted
        change.added_bytes += added_bytes - 2 * added
        change.deleted_bytes += deleted_bytes - 2 * deleted

    def _field(self) -> bytes:
        """All up to the next NUL, which may be several lines."""
        pieces = []
        while True:
            piece, nul, rest = self._line.partition(b"\0")
            pieces.append(piece)
            if nul:
                self._line = rest or next(self._lines, b"")
                return b"".join(pieces)
            if not self._line:
                raise UnexpectedLogError("at its end", "it is cut off")
            self._next()

    def _next(self) -> None:
        self._line = next(self._lines, b"")
