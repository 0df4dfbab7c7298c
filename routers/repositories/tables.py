"""Lists about repositories: figures that can be compared, and beside them what can't be."""

from collections.abc import Callable, Sequence

import polars as pl
from fastapi import Response

from calculations.repositories.ownership import Areas
from web.computing import computing
from web.questions.answers import object_answer
from web.questions.parameters import Listed
from web.questions.question import Part, Question
from web.questions.tables import Order, Table, beside, columns_of, cut, of_both_periods, ordered, parsed_order


def list_answer[P: Listed](
    question: Question[P],
    calculate: Callable[[Part], pl.DataFrame],
    keys: Sequence[str],
    attributes: Sequence[str],
    default: Order,
    name: str,
) -> Response:
    """An answer that is a list, ordered and cut; its figures are compared when the question asks for it.

    Args:
        question: What is asked.
        calculate: Gives the list of a period: `keys`, `attributes` and figures.
        keys: The columns that tell rows apart.
        attributes: Other columns that are no figures; of a row that the period lacks, those of the other period.
        default: The order, unless the question asks for another one.
        name: What a download is called.
    """
    now, then = of_both_periods(question, calculate)
    figures = [column for column in now.columns if column not in {*keys, *attributes}]
    plain = [column for column in (*keys, *attributes) if not now.schema[column].is_nested()]
    order = parsed_order(question, [*plain, *columns_of(question, figures)], default)
    compared = beside(_only(now, keys, figures), None if then is None else _only(then, keys, figures), tuple(keys))
    every = now if then is None else pl.concat([now, then])
    described = every.select(*keys, *attributes).unique(keys, keep="first", maintain_order=True)
    frame = described.join(compared.frame, on=list(keys))
    table = ordered(Table(frame, (*keys, *attributes), compared.is_compared), order)
    shown = cut(table, question)
    return object_answer(question, shown.as_json(), flat(shown.frame), name, table.frame.height)


def areas_answer[P: Listed](
    question: Question[P], calculate: Callable[[Part], Areas], key: str, default: Order
) -> Response:
    """An answer like that of `list_answer`, of areas: only those that are shown are told with their owners.

    Args:
        question: What is asked.
        calculate: Gives the areas of a period.
        key: What areas are called.
        default: The order, unless the question asks for another one.
    """
    now, then = of_both_periods(question, calculate)
    named = [part.figures.rename({"area": key}) for part in (now, then) if part is not None]
    table = beside(named[0], named[1] if len(named) > 1 else None, (key,))
    figures = [column for column in table.frame.columns if column != key]
    every = ordered(table, parsed_order(question, [key, *figures], default))
    shown = cut(every, question).frame
    with computing(question.request, question.snapshot):
        owners = [part.owners(shown[key]).rename({"area": key}) for part in (now, then) if part is not None]
    attributes = pl.concat(owners).unique(key, keep="first", maintain_order=True)
    frame = shown.join(attributes, on=key, how="left", maintain_order="left").select(*attributes.columns, *figures)
    rows = Table(frame, tuple(attributes.columns), table.is_compared)
    return object_answer(question, rows.as_json(), flat(frame), "ownership", every.frame.height)


def _only(frame: pl.DataFrame, keys: Sequence[str], figures: Sequence[str]) -> pl.DataFrame:
    return frame.select(*keys, *figures)


def flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows for formats without nesting: the fields of structs as columns `struct_field`, lists of text as one text
    with commas; lists of structs are left out."""
    columns: list[pl.Expr] = []
    for name, dtype in rows.schema.items():
        if isinstance(dtype, pl.Struct):
            columns += [pl.col(name).struct.field(field.name).alias(f"{name}_{field.name}") for field in dtype.fields]
        elif isinstance(dtype, pl.List) and dtype.inner == pl.String:
            columns.append(pl.col(name).list.join(", "))
        elif not dtype.is_nested():
            columns.append(pl.col(name))
    return rows.select(columns)
