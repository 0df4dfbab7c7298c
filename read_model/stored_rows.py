"""The stored rows of an append table, split into those that are settled and those that are read again."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from read_model.manifest import File, StoredTable
from read_model.source import SourceTable
from read_model.table import Reload
from util.errors import EXIT_DATA, AnalyticsError, Severity

logger = logging.getLogger(__name__)

# In bytes. Larger files are replaced without checking whether anything in them changed.
COMPARABLE_BYTES = 128_000_000
# Sources round to whole seconds, and the clocks of applications differ by seconds.
FUTURE = timedelta(minutes=1)


class StoredFileError(AnalyticsError):
    """A file of the current snapshot can't be read."""

    exit_code = EXIT_DATA
    severity = Severity.MEDIUM

    def __init__(self, directory: Path, error: BaseException) -> None:
        first_line = str(error).partition("\n")[0]
        super().__init__(f"A file in {directory} can't be read ({first_line}): run with --full")


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Turn the errors of reading a damaged file into a `StoredFileError`."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise StoredFileError(directory, error) from error


@dataclass(frozen=True)
class Anchor:
    """The settled row with the highest id, by which a source is recognised as the same."""

    by: int
    time: datetime


@dataclass(frozen=True)
class Split:
    """A table's stored rows, split at `since`: rows with `by` before it are settled, the others are read again.

    `files` hold only settled rows. `settled` (read when needed) and `unsettled` are the rows of the files after them,
    in order; `unsettled` is None if those files are too large to compare with what the source has now. `anchor` is
    None if rows grow by time, or if its row has no time. For rows that change in place, `since` is None and none is
    settled.
    """

    since: int | datetime | None
    anchor: Anchor | None
    files: tuple[File, ...]
    settled: pl.LazyFrame
    unsettled: pl.DataFrame | None


def split_stored_rows(
    directory: Path, files: Sequence[File], table: SourceTable, *, settled_before: datetime, read_at: datetime
) -> Split | None:
    """Split the stored rows of a table; None if there is nothing settled to build on, so that all has to be read.

    Args:
        directory: Where the files are.
        files: The table's files in the order they were added.
        table: The table at the source, with the columns it grows by.
        settled_before: Rows with a time before this can no longer change, nor can others appear among them.
        read_at: The source's time when the rows were read. Rows dated later say nothing about what may still change.

    Raises:
        StoredFileError: A file is damaged.
    """
    if isinstance(table.table.grows, Reload):
        unsettled = read_stored(directory, files, table) if _are_comparable(files) else None
        return Split(None, None, (), table.schema.to_frame().lazy(), unsettled)
    if table.by is None or table.time is None:
        return None
    with reading(directory):
        since = _first_unsettled(_scan(directory, files, table), table.by, table.time, settled_before, read_at)
        return None if since is None else _split(directory, files, table, table.by, table.time, since)


def _split(
    directory: Path, files: Sequence[File], table: SourceTable, by: str, time: str, since: int | datetime
) -> Split:
    whole = len(files)
    while whole and _reaches(directory, files[whole - 1], table, since):
        whole -= 1
    rows = _scan(directory, files[whole:], table)
    is_unsettled = (pl.col(by) >= since).fill_null(value=False)
    anchor = _anchor(_scan(directory, files, table), by, time, since - 1) if isinstance(since, int) else None
    settled, unsettled = (in_order(part, table) for part in (rows.filter(~is_unsettled), rows.filter(is_unsettled)))
    comparable = unsettled.collect() if _are_comparable(files[whole:]) else None
    return Split(since, anchor, tuple(files[:whole]), settled, comparable)


def read_stored(directory: Path, files: Sequence[File], table: SourceTable) -> pl.DataFrame:
    """All rows of the given files of a table, in order.

    Raises:
        StoredFileError: A file is damaged.
    """
    with reading(directory):
        return in_order(_scan(directory, files, table), table).collect()


def in_order(rows: pl.LazyFrame, table: SourceTable) -> pl.LazyFrame:
    """Rows in the order they are stored in; the database's own may differ, as its collation does."""
    return rows.sort(table.order, maintain_order=True) if table.order else rows


def _are_comparable(files: Sequence[File]) -> bool:
    """Whether the rows of some files can be held in memory twice."""
    return sum(file.bytes for file in files) <= COMPARABLE_BYTES


def _first_unsettled(
    rows: pl.LazyFrame, by: str, time: str, settled_before: datetime, read_at: datetime
) -> int | datetime | None:
    """The lowest `by` that is not settled.

    An id is settled when its row and all rows with lower ids are old. Ids beyond the last such row are read again
    even if none is stored: a transaction may still commit them. Rows dated after `read_at` are no evidence either way:
    treated as young, they would keep all rows after them unsettled for good; treated as old, they would settle ids
    that are yet to be committed.
    """
    if by == time:
        return settled_before
    rows = rows.filter((pl.col(time) <= read_at) | pl.col(time).is_null())
    young = rows.filter(pl.col(time) >= settled_before).select(pl.col(by).min()).collect().item()
    settled = rows if young is None else rows.filter(pl.col(by) < young)
    last: int | None = settled.select(pl.col(by).max()).collect().item()
    return None if last is None else last + 1


def _anchor(rows: pl.LazyFrame, by: str, time: str, last: int) -> Anchor | None:
    instant = rows.filter(pl.col(by) == last).select(pl.col(time).first()).collect().item()
    return Anchor(last, instant) if instant else None


def _reaches(directory: Path, file: File, table: SourceTable, since: int | datetime) -> bool:
    """Whether a file holds unsettled rows, or no rows at all."""
    last = _scan(directory, [file], table).select(pl.col(table.order[0]).max()).collect().item()
    return last is None or bool(last >= since)


def _scan(directory: Path, files: Sequence[File], table: SourceTable) -> pl.LazyFrame:
    if not files:
        return table.schema.to_frame().lazy()
    return pl.scan_parquet([directory / file.name for file in files], schema=table.schema, glob=False)


def warn_of_future_rows(
    directory: Path, stored: Mapping[str, StoredTable], tables: Iterable[SourceTable], now: datetime
) -> None:
    """Log the number of rows dated later than the source's clock, per table that has any.

    Args:
        directory: Where the files are.
        stored: The tables that were written.
        tables: The tables at the source.
        now: The source's time when they were read.
    """
    growing = [(table, table.time) for table in tables if table.time]
    counts = [
        _scan(directory, stored[table.table.name].files, table).filter(pl.col(time) > now + FUTURE).select(pl.len())
        for table, time in growing
    ]
    with reading(directory):
        for (table, time), count in zip(growing, pl.collect_all(counts), strict=True):
            if rows := count.item():
                logger.warning(
                    "%s: %d rows have a %s later than the source's clock (%s)",
                    table.table.name,
                    rows,
                    time,
                    f"{now:%Y-%m-%d %H:%M:%S} UTC",
                )
