"""Several lists of labels and their counts in one answer."""

from collections.abc import Callable, Mapping

import polars as pl
from fastapi import Response

from calculations.frames.collecting import collect_all
from web.questions.answers import object_answer, table_answer
from web.questions.parameters import Listed
from web.questions.question import Part, Question
from web.questions.tables import Order, Table, beside, columns_of, cut, of_both_periods, ordered, parsed_order

COUNT = "count"


def lists_answer[P: Listed](
    question: Question[P],
    calculate: Callable[[Part], Mapping[str, pl.LazyFrame]],
    labels: Mapping[str, tuple[str, ...]],
    default: Order,
    name: str,
    *,
    is_one: bool = False,
) -> Response:
    """Lists by name, each sorted and cut on its own; in formats other than JSON, one table of all lists.

    Args:
        question: The question.
        calculate: Gives the lists of a period: columns of labels and `count`.
        labels: The columns of labels of each list.
        default: The order, unless the question has another one.
        name: The file name of a download.
        is_one: Whether the answer is a single list rather than several by name.
    """
    distinct = dict.fromkeys(column for columns in labels.values() for column in columns)
    sortable = [*distinct, *columns_of(question, [COUNT])]
    order = parsed_order(question, sortable, default)
    now, then = of_both_periods(question, lambda part: _collected(calculate(part)))
    every = {list_: beside(now[list_], then[list_] if then else None, keys) for list_, keys in labels.items()}
    shown = {list_: cut(ordered(rows, order), question) for list_, rows in every.items()}
    if is_one:
        (rows,) = every.values()
        return table_answer(question, next(iter(shown.values())), name, rows.frame.height)
    data = b",".join(b'"%s":%s' % (list_.encode(), b"".join(rows.as_json())) for list_, rows in shown.items())
    longest = max(rows.frame.height for rows in every.values())
    return object_answer(question, [b"{%s}" % data], _together(shown).select("list", *sortable), name, longest)


def _collected(lists: Mapping[str, pl.LazyFrame]) -> dict[str, pl.DataFrame]:
    return dict(zip(lists, collect_all(lists.values()), strict=True))


def _together(lists: Mapping[str, Table]) -> pl.DataFrame:
    """All lists as one table with a column `list`; labels that a list lacks are null."""
    tagged = [rows.frame.select(pl.lit(list_).alias("list"), pl.all()) for list_, rows in lists.items()]
    return pl.concat(tagged, how="diagonal_relaxed")
