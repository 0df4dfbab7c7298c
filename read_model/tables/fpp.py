"""The app's tables (source of names and types: section 2 of the metrics reference)."""

import polars as pl

from read_model.model import ReadModel
from read_model.table import INSTANT, Append, Reload, Table

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

FPP = ReadModel("fpp", (ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, VOTES, USERS), at_top=True)
