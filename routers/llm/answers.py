"""Answers with a series: in JSON with totals and what is known of the data, in other formats the rows alone."""

from collections.abc import Generator

import polars as pl
from fastapi import Response
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from calculations.frames.json_rows import json_rows
from calculations.llm.events import GROUP_COLUMNS, STATUSES
from calculations.llm.freshness import last_event_at
from calculations.time.buckets import Buckets
from routers.llm.parameters import SeriesOfCalls
from routers.llm.question import CallsQuestion
from routers.llm.recency import recency
from web.questions.answers import MOST_ROWS_IN_ONE_BODY
from web.questions.formats import MEDIA_TYPES, ROWS_AT_ONCE, TableResponse, TableStream

# Columns that are one object in JSON.
NESTED = {"statusCounts": STATUSES, "latencyMs": ("p50", "p75", "p90", "p95", "p99")}


def series_answer[P: SeriesOfCalls](
    question: CallsQuestion[P], series: pl.DataFrame, totals: pl.DataFrame, buckets: Buckets, name: str
) -> Response:
    """The answer in any format.

    Args:
        question: What was asked.
        series: `bucket` (its number), `group`, and figures.
        totals: One row of the same figures.
        buckets: The buckets of the series.
        name: What a file with the rows is called.
    """
    rows = _named(series, question.parameters, buckets)
    if question.format != "json":
        shown = nested(rows) if question.format == "ndjson" else rows
        return TableResponse(shown, question.format, name, question.headers | question.facts)
    last = last_event_at(question.organisation, question.now)
    told = {
        "totals": json_rows(nested(totals.rename(to_camel))),
        "freshness": recency(question, last).model_dump_json().encode(),
        "meta": question.meta.model_dump_json().encode(),
    }
    body = _enveloped(question, nested(rows), told)
    headers = question.headers | question.facts
    if rows.height > MOST_ROWS_IN_ONE_BODY:
        return TableStream(rows, body, "json", headers)
    return Response(b"".join(body), headers=headers, media_type=MEDIA_TYPES["json"])


def _named(series: pl.DataFrame, parameters: SeriesOfCalls, buckets: Buckets) -> pl.DataFrame:
    """The rows with the instants of their buckets, and columns named as clients know them."""
    starts = buckets.edges.dt.convert_time_zone(buckets.zone)
    column = GROUP_COLUMNS[parameters.group_by]
    group = [] if column is None else [pl.col("group").alias(to_camel(column))]
    figures = series.drop("bucket", "group").rename(to_camel)
    keys = series.select(pl.lit(starts).gather(pl.col("bucket")).alias("bucketStart"), *group)
    # Groups that are statuses stand beside counts of statuses.
    return pl.concat([keys, figures], how="horizontal")


def nested(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as JSON has them: counts of statuses and percentiles are an object each."""
    inner = {name: [column for column in columns if column in rows.columns] for name, columns in NESTED.items()}
    structs = [pl.struct(columns).alias(name) for name, columns in inner.items() if columns]
    return rows.with_columns(structs).drop(*inner.values())


def _enveloped[P: SeriesOfCalls](
    question: CallsQuestion[P], rows: pl.DataFrame, told: dict[str, bytes]
) -> Generator[bytes]:
    yield b'{"orgId":%s,"granularity":%s,"series":[' % (
        to_json(question.org_id),
        to_json(question.parameters.granularity),
    )
    for number, some in enumerate(rows.iter_slices(ROWS_AT_ONCE)):
        yield (b"," if number else b"") + json_rows(some)
    yield b"]"
    for name, value in told.items():
        yield b',"%s":%s' % (name.encode(), value)
    yield b"}"
