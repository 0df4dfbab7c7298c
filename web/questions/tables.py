"""Tables of figures: computed for a question, compared with another period, sorted and cut."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
import polars.selectors as cs

from calculations.frames.comparison import PARTS, compared, parted
from calculations.frames.json_rows import json_rows
from web.computing import computing
from web.errors import InvalidParameterError, shortened
from web.questions.formats import ROWS_AT_ONCE
from web.questions.parameters import Listed, Parameters
from web.questions.question import Part, Question

# Columns, and whether each is descending.
type Order = Mapping[str, bool]

DIRECTIONS = {"asc": False, "desc": True}


@dataclass(frozen=True)
class Table:
    """Rows of figures: `keys` identify a row, all other columns are figures, in `parted` columns if compared."""

    frame: pl.DataFrame
    keys: tuple[str, ...]
    is_compared: bool

    @property
    def figures(self) -> list[str]:
        """The names of the figures."""
        columns = [name for name in self.frame.columns if name not in self.keys]
        return columns[:: len(PARTS)] if self.is_compared else columns

    def nested(self) -> pl.DataFrame:
        """The rows in the shape of the JSON: each compared figure is one struct of its parts."""
        if not self.is_compared:
            return self.frame
        figures = [
            pl.struct(pl.col(column).alias(part) for column, part in zip(parted(name), PARTS, strict=True)).alias(name)
            for name in self.figures
        ]
        return self.frame.select(*self.keys, *figures)

    def as_json(self) -> Iterator[bytes]:
        """The rows as a JSON array, piece by piece."""
        return _json_array(self.nested())


def _json_array(rows: pl.DataFrame) -> Iterator[bytes]:
    yield b"["
    for number, some in enumerate(rows.iter_slices(ROWS_AT_ONCE)):
        yield (b"," if number else b"") + json_rows(some)
    yield b"]"


def computed[P: Parameters](
    question: Question[P],
    calculate: Callable[[Part], pl.DataFrame],
    keys: tuple[str, ...] = (),
    rows: Literal["all", "of_now"] = "all",
) -> Table:
    """A table of the question's period, compared with the other period if there is one."""
    return beside(*of_both_periods(question, calculate), keys, rows)


def of_both_periods[P: Parameters, Result](
    question: Question[P], calculate: Callable[[Part], Result]
) -> tuple[Result, Result | None]:
    """The results for the question's period and for the comparison, if there is one."""
    with computing(question.request, question.snapshot):
        now = calculate(question.part(question.period))
        return now, None if question.comparison is None else calculate(question.part(question.comparison))


def beside(
    now: pl.DataFrame, then: pl.DataFrame | None, keys: tuple[str, ...], rows: Literal["all", "of_now"] = "all"
) -> Table:
    """A table compared with that of another period (see `compared`), if there is one."""
    if then is None:
        return Table(_plain(now), keys, is_compared=False)
    return Table(compared(_plain(now), _plain(then), keys, rows), keys, is_compared=True)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Convert unsigned counts, which can't be subtracted."""
    return frame.with_columns(cs.integer().cast(pl.Int64), cs.float().cast(pl.Float64))


def columns_of[P: Parameters](question: Question[P], figures: Sequence[str]) -> list[str]:
    """The columns that figures have in a table, compared or not."""
    return list(figures) if question.comparison is None else [column for name in figures for column in parted(name)]


def parsed_order[P: Listed](question: Question[P], columns: Sequence[str], default: Order) -> Order:
    """The order of `order_by`; `default` breaks ties.

    Raises:
        InvalidParameterError: It names an unknown column or direction.
    """
    order: dict[str, bool] = {}
    asked = question.parameters.order_by
    for part in [] if asked is None else asked.split(","):
        name, direction = _column_and_direction(part.strip())
        if name not in columns or direction not in DIRECTIONS:
            message = (
                f"`order_by` is `{shortened(part)}`; allowed: one or more of {', '.join(columns)}, separated by "
                "commas, each with or without :asc or :desc, or with a minus before it for :desc."
            )
            raise InvalidParameterError("order_by", message, columns)
        order.setdefault(name, DIRECTIONS[direction])
    return order | {name: descending for name, descending in default.items() if name not in order}


def _column_and_direction(part: str) -> tuple[str, str]:
    """The column and direction of one part of `order_by`; a minus excludes a direction."""
    name, colon, direction = part.partition(":")
    if name.startswith("-") and not colon:
        return name[1:], "desc"
    return name, direction.lower() if colon else "asc"


def ordered(table: Table, order: Order) -> Table:
    """A table sorted by those of the columns that it has."""
    by = {name: descending for name, descending in order.items() if name in table.frame.columns}
    frame = table.frame.sort(list(by), descending=list(by.values()), nulls_last=True)
    return Table(frame, table.keys, table.is_compared)


def named_like(search: str | None, column: str = "name") -> pl.Expr:
    """Whether a name contains a text, ignoring case; always true without a text."""
    if search is None:
        return pl.lit(value=True)
    # Lower case depends on neighbouring letters: to compare it would miss Greek words that go on after a sigma.
    return pl.col(column).str.contains(f"(?i){pl.escape_regex(search)}")


def cut[P: Listed](table: Table, question: Question[P]) -> Table:
    """The rows that `limit` and `offset` select."""
    frame = table.frame.slice(question.parameters.offset, question.parameters.limit)
    return Table(frame, table.keys, table.is_compared)
