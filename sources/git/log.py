"""Parse the output of `git log -z --raw -p -U1`: commits, the paths they changed, lines and bytes.

git is told to mark lines with bytes that begin no other line, as `--- x` may be a deleted SQL comment. One line of
context is needed: without any, git trims common tails first and its line counts differ from those of `--numstat`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from util.errors import EXIT_DATA, AnalyticsError

# Begins with NUL, which tells the end of a patch from its next line.
FORMAT = "%x00" + "%x00".join(("%H", "%P", "%an", "%ae", "%cn", "%ce", "%ad", "%cd", "%B"))
# These make patches independent of configuration and attributes, and their counts those of `git diff-tree --numstat`.
PATCH_OPTIONS = (
    *("-p", "-U1", "--no-color", "--no-ext-diff", "--no-textconv", "--diff-algorithm=myers", "--submodule=short"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative", "--ignore-submodules=none"),
    *("--output-indicator-new=\x01", "--output-indicator-old=\x02", "--output-indicator-context=\x03"),
)
DIFF_OPTIONS = ("-z", "--raw", "--no-abbrev", "--full-index", "--root", "--no-renames", *PATCH_OPTIONS)
LOG_OPTIONS = (
    *(*DIFF_OPTIONS, "--diff-merges=first-parent", "--date=raw"),
    *("--no-show-signature", "--no-notes", "--encoding=UTF-8"),
)

BEGINS_PATCH = b"diff --git "
ENDS_PATCH = (b"\0", BEGINS_PATCH)
# Runs of whole lines of one kind; paths in headers are quoted, so none looks like another kind of line.
LINES = re.compile(
    rb"(?P<added>(?:\x01.*+\n)++)|(?P<deleted>(?:\x02.*+\n)++)|(?P<binary>Binary files .*+\n)"
    rb"|(?:(?!diff --git |Binary files |[\0\x01\x02]).*+\n)++"
)
BLOCK_BYTES = 1 << 18
MESSAGE_CHARACTERS = 1_000
SUBMODULE = b"160000"


class UnexpectedLogError(AnalyticsError):
    """The log is not in the format git writes."""

    exit_code = EXIT_DATA

    def __init__(self, commit: str, what: str) -> None:
        super().__init__(f"The log of commit {commit} can't be read: {what}")


class TooManyChangesError(AnalyticsError):
    """A commit or tree has more paths than any real one."""

    exit_code = EXIT_DATA

    def __init__(self, commit: str, most: int) -> None:
        super().__init__(
            f"Commit {commit} changes more than {most:,} paths: leave them out with `exclude`, or the codebase"
        )


@dataclass(slots=True)
class FileChange:
    """A path that a commit changed; `status` is git's letter (A, M, D or T). Binary files have no lines."""

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
    """A commit as written: identities are bytes, before `.mailmap`; `message` is the beginning of its message."""

    sha: str
    parents: tuple[str, ...]
    author: tuple[bytes, bytes]
    committer: tuple[bytes, bytes]
    authored: bytes
    committed: bytes
    message: str
    message_length: int
    changes: list[FileChange] = field(default_factory=list)


class LogReader:
    """Reads the commits of a log in order, holding no more than a block and a line of it in memory."""

    def __init__(self, log: IO[bytes], most_changes: int) -> None:
        self._log = log
        self._block = b""
        self._at = 0
        self._most_changes = most_changes

    def commits(self) -> Iterator[Commit]:
        """Every commit with its changes.

        Raises:
            UnexpectedLogError: The log ends early or is not in the expected format.
            TooManyChangesError: A commit changes more paths than allowed.
        """
        while not self._is_at_end():
            yield self._commit()

    def changes(self, of: str) -> list[FileChange]:
        """The changes of a single diff, as `git diff-tree` writes it; `of` names it in errors."""
        changes = self._raw_changes(of)
        self._read_patches(of, changes)
        return changes

    def _commit(self) -> Commit:
        if before := self._field():
            raise UnexpectedLogError("after the last one read", f"`{before[:40]!r}` is not the beginning of one")
        sha = self._field().decode()
        parents = tuple(self._field().decode().split())
        author, committer = (self._field(), self._field()), (self._field(), self._field())
        authored, committed = self._field(), self._field()
        # Truncated, since a small repository may have huge messages.
        message = self._field().decode(errors="replace").rstrip("\n")
        beginning = message[:MESSAGE_CHARACTERS]
        commit = Commit(sha, parents, author, committer, authored, committed, beginning, len(message))
        if self._takes(b"\n"):
            commit.changes = self._raw_changes(sha)
            self._read_patches(sha, commit.changes)
        return commit

    def _raw_changes(self, of: str) -> list[FileChange]:
        """The raw records, which precede the patches in the same order."""
        changes: list[FileChange] = []
        while self._takes(b":"):
            modes = self._field().split(b" ")
            path = self._field()
            old_id, new_id = modes[2].decode(), modes[3].decode()
            changes.append(FileChange(path, chr(modes[4][0]), old_id, new_id, SUBMODULE in modes[:2]))
            if len(changes) > self._most_changes:
                raise TooManyChangesError(of, self._most_changes)
        if changes and self._field():
            raise UnexpectedLogError(of, "its paths are not followed by a patch")
        return changes

    def _read_patches(self, of: str, changes: list[FileChange]) -> None:
        for change in changes:
            # A file that becomes a symlink, or vice versa, has two patches: one deletes it, the other adds it.
            for _ in range(2 if change.status == "T" else 1):
                self.read_patch(of, change)

    def read_patch(self, of: str, change: FileChange) -> None:
        """Add the counts of the next patch to a change; `of` names it in errors."""
        if not self._takes(BEGINS_PATCH):
            raise UnexpectedLogError(of, f"there is no patch of {change.path!r}")
        while True:
            lines = LINES.match(self._block, self._at)
            if lines:
                self._count(lines, change)
                self._at = lines.end()
            elif self._block.startswith(ENDS_PATCH, self._at):
                return
            elif not self._read_more():
                if self._at < len(self._block):
                    raise UnexpectedLogError(of, f"the patch of {change.path!r} is cut off")
                return

    def _count(self, lines: re.Match[bytes], change: FileChange) -> None:
        """Add lines to a change; their markers and line feeds don't count as bytes."""
        if lines.lastgroup is None:
            return
        if lines.lastgroup == "binary":
            change.is_binary = True
            return
        begin, end = lines.span()
        count = self._block.count(b"\n", begin, end)
        if lines.lastgroup == "added":
            change.added_lines += count
            change.added_bytes += end - begin - 2 * count
        else:
            change.deleted_lines += count
            change.deleted_bytes += end - begin - 2 * count

    def _field(self) -> bytes:
        """Everything up to the next NUL, which may be several lines."""
        while (end := self._block.find(b"\0", self._at)) < 0:
            if not self._read_more():
                raise UnexpectedLogError("at its end", "it is cut off")
        field, self._at = self._block[self._at : end], end + 1
        return field

    def _takes(self, expected: bytes) -> bool:
        """Skip the expected bytes, if they come next; returns whether they did."""
        while len(self._block) - self._at < len(expected) and self._read_more():
            pass
        found = self._block.startswith(expected, self._at)
        self._at += len(expected) if found else 0
        return found

    def _is_at_end(self) -> bool:
        return self._at == len(self._block) and not self._read_more()

    def _read_more(self) -> bool:
        """Read on and forget what was consumed; twice as much each time, so the cost of long lines stays linear."""
        held = self._block[self._at :]
        more = self._log.read(max(BLOCK_BYTES, len(held)))
        self._block, self._at = held + more, 0
        return bool(more)
