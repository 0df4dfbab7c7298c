"""The clock, read at the edges of a process only."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the edge
