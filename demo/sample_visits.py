"""Who comes to the site, when for the first time, what they look at and what they do."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from demo.sample_draws import Bools, Ints, apportioned, between, drawn, labels, weighted
from demo.sample_rhythm import DAY_S, HOUR_S, WEEK_S, Rhythm, times
from demo.sample_sessions import LIVE_S, Amounts, Sessions
from demo.sample_votes import Estimations, Seats, Votes
from demo.sample_words import (
    AGENTS,
    AMERICAS,
    BROWSED_ROUTES,
    FIRST_SOURCES,
    LANDING_ROUTES,
    LATER_SOURCES,
    NEW_ROOM_EVENTS,
    PLACES,
    RETURN_EVENTS,
    SESSION_EVENTS,
    SESSION_ROUTES,
)

NOBODY = -1  # where it is used as an index, the value it finds is masked afterwards
SESSION_VIEW_SHARE = 0.6  # of the page views that are not somebody's first
RETURN_SHARE = 0.25  # of the page views outside of sessions
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
NANOID_LENGTH = 21
ENTER_S = 120  # people enter a room at most that long before its session
LEAVE_S = 180  # and leave it at most that long after


@dataclass(frozen=True)
class Attendances:
    """One entry per person and session they estimated in."""

    user: Ints
    room: Ints
    opens: Ints
    closes: Ints
    is_host: Bools


def attendances(at: Sessions, played: Votes, taken: Seats, given: Estimations) -> Attendances:
    """The seats in which somebody sat."""
    occupied = np.zeros(len(taken.user), dtype=np.bool_)
    occupied[given.seat] = True
    session = taken.session[occupied]
    return Attendances(
        taken.user[occupied], at.room[session], played.opens[session], at.closes[session], taken.member[occupied] == 0
    )


@dataclass(frozen=True)
class Visitors:
    """One entry per user: when they came, and their first attendance or `NOBODY` for those who only looked."""

    created_at: Ints
    first: Ints


def visitors(rng: np.random.Generator, rhythm: Rhythm, amounts: Amounts, seen: Attendances) -> Visitors:
    """Players come minutes before their first session, the others at any busy time, a few of them just now."""
    first = np.full(amounts.users, NOBODY)
    backwards = np.argsort(-seen.opens, kind="stable")
    first[seen.user[backwards]] = backwards  # the last assignment stays: the earliest attendance
    alone = np.flatnonzero(first == NOBODY)
    created_at = rhythm.instant_of(rng.random(amounts.users))
    created_at[alone[: amounts.live]] = int(rhythm.edges[-1]) - between(rng, 0, LIVE_S, len(alone[: amounts.live]))
    before_session = seen.opens[first] - between(rng, ENTER_S + 10, 600, amounts.users)
    return Visitors(np.where(first == NOBODY, created_at, before_session).clip(0), first)


def user_ids(rng: np.random.Generator, amount: int) -> pl.Series:
    """Nanoids: 126 random bits each, so no two are alike."""
    letters = np.frombuffer(ALPHABET, dtype=np.uint8)[rng.integers(0, 64, (amount, NANOID_LENGTH), dtype=np.uint8)]
    return pl.Series(letters.view(f"S{NANOID_LENGTH}").ravel()).cast(pl.String)


def users_table(rng: np.random.Generator, user_id: pl.Series, came: Visitors, seen: Attendances) -> pl.DataFrame:
    """The users with device and place."""
    agent = weighted(rng, [weight for *_, weight in AGENTS], len(user_id))
    place = places(rng, came, seen)
    return pl.DataFrame(
        {
            "id": user_id,
            "device": labels([device for device, *_ in AGENTS], agent),
            "os": labels([os for _, os, *_ in AGENTS], agent),
            "browser": labels([browser for *_, browser, _ in AGENTS], agent),
            "country": labels([country for country, *_ in PLACES], place),
            "region": labels([region for _, region, *_ in PLACES], place),
            "city": labels([city for *_, city, _ in PLACES], place),
            "created_at": times(came.created_at),
        }
    )


def places(rng: np.random.Generator, came: Visitors, seen: Attendances) -> Ints:
    """Positions in `PLACES`: most of a team in one place, the Americas in their own office hours."""
    usual = np.asarray([weight for *_, weight in PLACES])
    american = np.asarray([country in AMERICAS for country, *_ in PLACES])
    amount = len(came.first)
    own = np.where(
        came.created_at % DAY_S < 14 * HOUR_S,
        weighted(rng, np.where(american, usual * 0.3, usual).tolist(), amount),
        weighted(rng, np.where(american, usual * 3, usual).tolist(), amount),
    )
    of_room = own[seen.user[np.unique(seen.room, return_index=True)[1]]]
    with_team = (came.first != NOBODY) & (rng.random(amount) < 0.8)
    return np.where(with_team, of_room[np.searchsorted(np.unique(seen.room), seen.room[came.first])], own)


def page_views_table(
    rng: np.random.Generator,
    last_s: int,
    amount: int,
    user_id: pl.Series,
    room_id: Ints,
    came: Visitors,
    seen: Attendances,
) -> pl.DataFrame:
    """Exactly `amount` page views: the first one of every user, those around sessions, and the rest."""
    further = amount - len(user_id)
    around = round(further * SESSION_VIEW_SHARE)
    views = pl.concat(
        [
            first_views(rng, room_id, came, seen),
            session_views(rng, around, room_id, seen),
            browsed_views(rng, last_s, further - around, came),
        ]
    )
    return views.select(
        user_id.gather(views["user"]).alias("user_id"),
        "route",
        pl.when(route="ROOM").then("room_id").alias("room_id"),
        "source",
        times(views["instant"].to_numpy().clip(0, last_s)).alias("viewed_at"),
    )


def first_views(rng: np.random.Generator, room_id: Ints, came: Visitors, seen: Attendances) -> pl.DataFrame:
    """How each user comes to the site: invited to a room, or to one of the public pages."""
    amount = len(came.first)
    invited = (came.first != NOBODY) & ~seen.is_host[came.first] & (rng.random(amount) < 0.7)
    return pl.DataFrame(
        {
            "user": np.arange(amount),
            "route": drawn(rng, LANDING_ROUTES, amount),
            "room_id": room_id[seen.room[came.first]],
            "source": drawn(rng, FIRST_SOURCES, amount),
            "instant": came.created_at + between(rng, 0, 5, amount),
        }
    ).with_columns(pl.when(pl.lit(pl.Series(invited))).then(pl.lit("ROOM")).otherwise("route").alias("route"))


def session_views(rng: np.random.Generator, amount: int, room_id: Ints, seen: Attendances) -> pl.DataFrame:
    """Everyone opens the room before a session; some pass the home page first or load the room again during it."""
    attendance = np.resize(rng.permutation(len(seen.user)), amount)
    entering = np.arange(amount) < len(seen.user)
    during = rng.uniform(0, 1, amount) * (seen.closes - seen.opens)[attendance]
    routes = drawn(rng, SESSION_ROUTES, amount)
    early = entering | (routes != "ROOM").to_numpy()
    before = seen.opens[attendance] - between(rng, 5, ENTER_S, amount)
    return pl.DataFrame(
        {
            "user": seen.user[attendance],
            "route": routes,
            "room_id": room_id[seen.room[attendance]],
            "source": drawn(rng, LATER_SOURCES, amount),
            "instant": np.where(early, before, seen.opens[attendance] + during.astype(np.int64)),
        }
    ).with_columns(pl.when(pl.lit(pl.Series(entering))).then(pl.lit("ROOM")).otherwise("route").alias("route"))


def browsed_views(rng: np.random.Generator, last_s: int, amount: int, came: Visitors) -> pl.DataFrame:
    """Looking around, mostly right after arriving, else some weeks later; some users do it often, many never."""
    user = np.repeat(np.arange(len(came.first)), apportioned(rng, amount, rng.gamma(0.5, size=len(came.first)) + 1e-9))
    arrived = came.created_at[user]
    soon = arrived + np.minimum(rng.exponential(90, amount), rng.random(amount) * (last_s - arrived)).astype(np.int64)
    later = soon + WEEK_S * rng.geometric(0.15, amount) + between(rng, -HOUR_S, HOUR_S, amount)
    returns = (rng.random(amount) < RETURN_SHARE) & (later <= last_s)
    return pl.DataFrame(
        {
            "user": user,
            "route": drawn(rng, BROWSED_ROUTES, amount),
            "room_id": np.zeros(amount, dtype=np.int64),
            "source": drawn(rng, LATER_SOURCES, amount),
            "instant": np.where(returns, later, soon),
        }
    )


def events_table(
    rng: np.random.Generator, last_s: int, amount: int, user_id: pl.Series, came: Visitors, seen: Attendances
) -> pl.DataFrame:
    """Exactly `amount` events: everyone enters and leaves a session, some do more in it."""
    attendance = np.resize(rng.permutation(len(seen.user)), amount)
    turn = np.arange(amount) // len(seen.user)
    opens, closes = seen.opens[attendance], seen.closes[attendance]
    is_first = came.first[seen.user[attendance]] == attendance
    kinds = pl.DataFrame(
        {
            "turn": turn,
            "opens_room": is_first & seen.is_host[attendance],
            "joins_room": is_first & ~seen.is_host[attendance],
            "new": drawn(rng, NEW_ROOM_EVENTS, amount),
            "again": drawn(rng, RETURN_EVENTS, amount),
            "within": drawn(rng, SESSION_EVENTS, amount),
        }
    )
    instant = np.select(
        [turn == 0, turn == 1],
        [
            opens - between(rng, 0, ENTER_S, amount),
            closes + (rng.random(amount) * np.minimum(LEAVE_S, last_s - closes)).astype(np.int64),
        ],
        opens + (rng.random(amount) * (closes - opens)).astype(np.int64),
    )
    return pl.DataFrame(
        {
            "user_id": user_id.gather(seen.user[attendance]),
            "event": kinds.select(event_of_turn())["event"],
            "event_at": times(instant.clip(0, last_s)),
        }
    )


def event_of_turn() -> pl.Expr:
    """Enter the room, leave it, then anything else."""
    entered = (
        pl.when("opens_room").then("new").when("joins_room").then(pl.lit("ENTERED_EXISTING_ROOM")).otherwise("again")
    )
    return (
        pl.when(pl.col("turn") == 0)
        .then(entered)
        .when(pl.col("turn") == 1)
        .then(pl.lit("LEFT_ROOM"))
        .otherwise("within")
        .alias("event")
    )
