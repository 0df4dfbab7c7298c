"""Import files of events: NDJSON and CSV, plain or gzipped.

A CSV file begins with a line of field names; an empty cell is null, and metadata is JSON.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import IO, Any

from intake import documents, values
from intake.documents import Broken, NotJsonError
from intake.llm.batches import LONGEST_SENDER, Batch, Receipt, Rejection, rejection
from intake.llm.events import Event
from intake.values import InvalidValueError
from util.clock import utc_now
from util.errors import EXIT_NO_INPUT, AnalyticsError
from util.progress import ShowRows

DOCUMENTS_PER_COMMIT = 1_000
LONGEST_LINE = 64_000
GZIP_MAGIC = b"\x1f\x8b"
INTEGERS = ("input_tokens", "output_tokens", "latency_ms")
_DIGITS = re.compile(r"[0-9]{1,16}")

# A document and the line it is on, counted from 1.
type Placed = tuple[int, Any]


class UnreadableFileError(AnalyticsError):
    """A file can't be read to its end."""

    exit_code = EXIT_NO_INPUT


@dataclass
class Imported:
    """How many of a file's events were accepted, duplicates or rejected so far."""

    path: Path
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0


def import_file(
    path: Path,
    parse: Callable[[object, int], Event],
    write: Callable[[Sequence[Batch]], Sequence[Receipt]],
    show: ShowRows,
    tell: Callable[[Rejection], None],
) -> Imported:
    """Store the events of a file. `parse` gets a document and the current time in microseconds, `tell` each rejection.

    Raises:
        UnreadableFileError: It can't be read or is cut off; what came before that is stored.
        DatabaseError: The database failed.
    """
    imported = Imported(path)
    with _opened(path) as file:
        for placed in batched(_placed(path, file), DOCUMENTS_PER_COMMIT):
            batch = _batch(placed, path.name, parse)
            (receipt,) = write([batch])
            imported.accepted += receipt.accepted
            imported.duplicates += receipt.duplicates
            imported.rejected += len(batch.rejections)
            for each in batch.rejections:
                tell(each)
            show(path.name, imported.accepted + imported.duplicates + imported.rejected)
    return imported


def _batch(placed: Iterable[Placed], name: str, parse: Callable[[object, int], Event]) -> Batch:
    now = values.microseconds(utc_now())
    events: list[Event] = []
    rejections: list[Rejection] = []
    for line, document in placed:
        try:
            events.append(parse(document, now))
        except InvalidValueError as error:
            rejections.append(rejection(document, line, str(error), f"file:{name}:{line}"))
    return Batch("file", name[:LONGEST_SENDER], now, events, rejections)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A file, decompressed if it is gzip, whatever its name says."""
    try:
        with path.open("rb") as plain:
            is_packed = plain.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            plain.seek(0)
            with gzip.open(plain) if is_packed else plain as file:
                yield io.BufferedReader(file)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"{path} can't be read to its end: {reason}") from error


def _placed(path: Path, file: IO[bytes]) -> Iterator[Placed]:
    """The documents of a file: CSV where the name or the first character says so, else NDJSON."""
    suffixes = {suffix.lower() for suffix in path.suffixes}
    first = file.peek(1)[:1] if isinstance(file, io.BufferedReader) else b""
    is_csv = ".csv" in suffixes or (not suffixes & {".ndjson", ".jsonl", ".json"} and first not in {b"{", b""})
    return _csv_documents(file) if is_csv else _ndjson_documents(file)


def _ndjson_documents(file: IO[bytes]) -> Iterator[Placed]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield (
                number,
                Broken(line.decode(errors="backslashreplace"), f"the line is longer than {LONGEST_LINE:,} bytes"),
            )
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE + 1)
        elif line.strip():
            yield number, documents.parse_line(line)


def _csv_documents(file: IO[bytes]) -> Iterator[Placed]:
    # A byte that is not UTF-8 becomes a character that is not allowed in any text.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text, strict=True)
    header: list[str] = next(rows, [])
    for row in _rows(rows):
        if isinstance(row, Broken):
            yield rows.line_num, row
        elif row:
            yield rows.line_num, _document(header, row)


def _rows(rows: Any) -> Iterator[Any]:
    """The rows of a CSV file, with a `Broken` for each that can't be parsed."""
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken("", f"this is not CSV: {error}")


def _document(header: Sequence[str], row: Sequence[str]) -> Any:
    """The document of a row of text."""
    if len(row) != len(header):
        return Broken(",".join(row), f"the row has {len(row)} cells, the header {len(header)}")
    fields: dict[str, Any] = {name: cell or None for name, cell in zip(header, row, strict=True)}
    for name in INTEGERS:
        cell = fields.get(name)
        if cell and _DIGITS.fullmatch(cell):
            fields[name] = int(cell)
    if cell := fields.get("metadata"):
        # Stays text, and is rejected since it is not an object.
        with suppress(NotJsonError):
            fields["metadata"] = documents.parse(cell.encode(errors="surrogateescape"))
    return fields
