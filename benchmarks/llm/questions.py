"""The questions, and our answers to them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import polars as pl

from benchmarks.llm.data import END, organisation
from calculations.frames.collecting import collecting_with
from calculations.llm.events import Selection
from calculations.llm.reliability import Reliability, reliability
from calculations.llm.usage import Usage, usage
from calculations.time.buckets import Buckets
from calculations.time.period import Period
from read_model.snapshot import Snapshot
from read_model.tables.llm import USAGE_EVENTS

type Kind = Literal["usage", "reliability"]

LARGEST, MIDDLE = 0, 24


@dataclass(frozen=True)
class Question:
    """Usage or reliability of an organisation by hour and model, up to the end of the data."""

    kind: Kind
    rank: int
    days: int

    @property
    def org_id(self) -> str:
        """The organisation."""
        return organisation(self.rank)

    @property
    def period(self) -> Period:
        """The days."""
        return Period(END - timedelta(days=self.days), END)

    def __str__(self) -> str:
        who = "largest" if self.rank == LARGEST else "middle"
        return f"{self.kind}, {self.days} days of the {who} organisation"


QUESTIONS = [
    Question(kind, rank, days) for kind in ("usage", "reliability") for rank in (MIDDLE, LARGEST) for days in (7, 90)
]


def answer(snapshot: Snapshot, question: Question) -> Usage | Reliability:
    """Our answer."""
    events = Selection(question.org_id, question.period).of(snapshot.scan(USAGE_EVENTS))
    buckets = Buckets.of(question.period, "hour")
    with collecting_with(snapshot.engine):
        if question.kind == "usage":
            return usage(events, buckets, "model_id")
        return reliability(events, buckets, "model_id")


def figures(found: Usage | Reliability) -> pl.DataFrame:
    """The rows of an answer, the totals last."""
    return pl.concat([found.series.drop("bucket", "group"), found.totals])
