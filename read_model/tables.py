"""The tables of the read model, declared once.

Sync, scans, health and tests read `TABLES`; nobody else spells the name of a table or a file.
Add a table by adding one `NAME = Table(...)` line, remove it by deleting that line.
Source of names and types: section 2 of the metrics reference in the README.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Append:
    """Rows are only added: those older than the overlap are settled, younger ones are read again.

    `by` is the column whose order follows the order of insertion: an auto-increment id, or, for keys without order, a
    time. A source that names its key or its time otherwise is understood all the same.
    """

    by: str
    time: str


@dataclass(frozen=True)
class Reload:
    """Rows change in place: the table is small and is read whole by every run."""


@dataclass(frozen=True)
class Table:
    """One table: how it is keyed, how it grows, and the columns the calculations need.

    `columns` are required at the source and keep at least the kind of type given here; the source may have more.
    """

    name: str
    key: str
    grows: Append | Reload
    columns: Mapping[str, pl.DataType] = field(default_factory=dict, hash=False)


# All tables declared in this module, above or below this line.
TABLES: tuple[Table, ...]


def __getattr__(name: str) -> tuple[Table, ...]:
    if name != "TABLES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(value for value in globals().values() if isinstance(value, Table))


ESTIMATIONS = Table(
    "fpp_estimations",
    key="id",
    grows=Append(by="id", time="estimated_at"),
    columns={
        "user_id": pl.String(),
        "room_id": pl.Int32(),
        "estimation": pl.Int16(),
        "spectator": pl.Boolean(),
        "estimated_at": INSTANT,
    },
)
EVENTS = Table("fpp_events", key="id", grows=Append(by="id", time="event_at"), columns={"event": pl.String()})
PAGE_VIEWS = Table(
    "fpp_page_views",
    key="id",
    grows=Append(by="id", time="viewed_at"),
    columns={"user_id": pl.String(), "route": pl.String(), "source": pl.String(), "viewed_at": INSTANT},
)
ROOMS = Table(
    "fpp_rooms",
    key="id",
    grows=Reload(),
    columns={"id": pl.Int32(), "name": pl.String(), "first_used_at": INSTANT},
)
VOTES = Table(
    "fpp_votes",
    key="id",
    grows=Append(by="id", time="voted_at"),
    columns={
        "room_id": pl.Int32(),
        "avg_estimation": pl.Decimal(4, 2),
        "max_estimation": pl.Int16(),
        "min_estimation": pl.Int16(),
        "amount_of_estimations": pl.Int16(),
        "amount_of_spectators": pl.Int16(),
        "duration": pl.Int16(),
        "was_auto_flip": pl.Boolean(),
        "voted_at": INSTANT,
    },
)
USERS = Table(
    "fpp_users",
    key="id",
    grows=Append(by="created_at", time="created_at"),
    columns={
        "device": pl.String(),
        "os": pl.String(),
        "browser": pl.String(),
        "country": pl.String(),
        "region": pl.String(),
        "city": pl.String(),
        "created_at": INSTANT,
    },
)
