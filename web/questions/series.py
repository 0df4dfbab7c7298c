"""Series: one row per bucket, with the columns that all series share."""

from collections.abc import Callable
from datetime import datetime

import polars as pl

from calculations.time.period import Period
from web.questions.parameters import Parameters
from web.questions.question import Part, Question
from web.questions.tables import Table, computed

BUCKET = ("date", "start", "end", "partial")
# In a compared series, the columns of the bucket that a row is compared with.
OTHER_BUCKET = ("comparison_start", "comparison_partial")


def series[P: Parameters](question: Question[P], calculate: Callable[[Part], pl.DataFrame]) -> Table:
    """A table with a row per bucket; the n-th bucket is compared with the n-th of the other period.

    Args:
        question: The question.
        calculate: Returns one row per bucket in order: `bucket` (its number) and figures.

    Returns:
        One row per shown bucket, in order: the columns of `BUCKET`, those of `OTHER_BUCKET` when compared
        (null where the other period has no such bucket), and the figures.
    """

    def numbered(part: Part) -> pl.DataFrame:
        shown = _shown(part.buckets.dated(), question).select("row", "bucket")
        return shown.join(calculate(part), on="bucket", maintain_order="left").drop("bucket")

    figures = computed(question, numbered, ("row",), "of_now")
    buckets = _described(question, question.period).select("row", *BUCKET)
    keys: tuple[str, ...] = BUCKET
    if question.comparison is not None:
        others = _described(question, question.comparison)
        named = others.select("row", comparison_start="start", comparison_partial="partial")
        buckets, keys = buckets.join(named, on="row", how="left", maintain_order="left"), BUCKET + OTHER_BUCKET
    frame = buckets.join(figures.frame, on="row", maintain_order="left")
    return Table(frame.drop("row"), keys, figures.is_compared)


def _described[P: Parameters](question: Question[P], period: Period) -> pl.DataFrame:
    return _shown(described_buckets(question.part(period), question.known_until), question)


def _shown[P: Parameters](buckets: pl.DataFrame, question: Question[P]) -> pl.DataFrame:
    """The buckets that are shown, numbered as `row`."""
    return buckets.filter(question.shown).with_row_index("row")


def described_buckets(part: Part, known_until: datetime) -> pl.DataFrame:
    """The columns that every bucket has: `bucket`, its number, and those of `BUCKET` (see `schemas.Bucket`)."""
    buckets, known_end = part.buckets, min(part.period.end, known_until)
    starts, ends = buckets.edges.head(len(buckets)), buckets.edges.tail(len(buckets))
    return buckets.dated().with_columns(
        start=starts.dt.convert_time_zone(buckets.zone),
        end=ends.dt.convert_time_zone(buckets.zone),
        partial=(starts < part.period.start) | (ends > known_end),
    )
