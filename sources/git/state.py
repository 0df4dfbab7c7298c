"""What is known of a codebase between two runs: one file, replaced as a whole when a run has succeeded or failed."""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ValidationError

from read_model.manifest import File
from read_model.publishing import flush_to_disk
from sources.git.extraction import Segment

STATE = "state.json"
# Raised when the rules of extraction change: every commit is then read again.
EXTRACTION_VERSION = 2


class StoredSegment(BaseModel, frozen=True):
    """A segment and the parts made from it, by table name."""

    segment: Segment
    parts: dict[str, File]


class Extracted(BaseModel, frozen=True):
    """What was extracted: from which state of the remote, by which rules, and into which files.

    `mailmap` is the blob of the `.mailmap` that identities were resolved with. `parts` belong to the tables that are
    written as a whole.
    """

    version: int = EXTRACTION_VERSION
    exclude: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    default_branch: str | None = None
    remote: dict[str, str] = {}
    heads: dict[str, str] = {}
    shallow: tuple[str, ...] = ()
    mailmap: str | None = None
    primary_language: str | None = None
    segments: tuple[StoredSegment, ...] = ()
    parts: dict[str, File] = {}
    generated_at: AwareDatetime
    generation_seconds: float

    @property
    def default_head(self) -> str | None:
        """The commit at the head of the default branch."""
        return self.heads.get(self.default_branch or "")

    def raw_files(self, directory: Path) -> list[Path]:
        """The files of the raw segments, in a directory."""
        segments = [stored.segment for stored in self.segments]
        return [
            path for segment in segments for path in (segment.commits_file(directory), segment.changes_file(directory))
        ]

    def files(self, table: str) -> list[File]:
        """The parts of a table."""
        of_segments = [stored.parts[table] for stored in self.segments if table in stored.parts]
        return of_segments + ([self.parts[table]] if table in self.parts else [])


class State(BaseModel, frozen=True):
    """The state of a codebase: what was last extracted from it, and how the last attempt went."""

    extracted: Extracted | None = None
    attempted_at: AwareDatetime | None = None
    failed_since: AwareDatetime | None = None
    error: str | None = None

    @property
    def status(self) -> Literal["complete", "failed", "none"]:
        """Whether the last attempt succeeded; `none` before the first one."""
        if self.error is not None:
            return "failed"
        return "complete" if self.extracted else "none"

    def after_failure(self, error: str, now: datetime) -> "State":
        """The state after a failed attempt: what was extracted stays."""
        return State(extracted=self.extracted, attempted_at=now, failed_since=self.failed_since or now, error=error)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The state in a directory; an empty one if there is none that this program understands."""
        try:
            state = cls.model_validate_json((directory / STATE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return cls()
        if state.extracted and state.extracted.version != EXTRACTION_VERSION:
            return state.model_copy(update={"extracted": None})
        return state

    def write(self, directory: Path) -> None:
        """Replace the state in a directory, durably."""
        part = directory / f"{STATE}.part"
        with part.open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        part.replace(directory / STATE)
        flush_to_disk(directory)
