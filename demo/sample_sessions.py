"""Rooms, their teams and the planning sessions they meet for.

One room in four has a team that comes back every week or two; the others are tried once by one or two people.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from demo.sample_draws import Bools, Floats, Ints, apportioned, between, owners, places_in_group, starts
from demo.sample_rhythm import WEEK_S, Rhythm

TEAM_SHARE = 0.25
VOTES_PER_SESSION = 3.75
SHORTEST_WEEKS, LONGEST_WEEKS = 1.5, 130.0  # how long a team keeps its room
LIVE_S = 240  # the last sessions and visitors lie this close to the last instant


@dataclass(frozen=True)
class Amounts:
    """How many rows each table gets."""

    users: int
    rooms: int
    votes: int
    estimations: int
    page_views: int
    events: int

    @classmethod
    def at(cls, scale: float) -> Self:
        """The sizes of the tables at a scale, never less than one row."""
        at_one = (10_000, 2_500, 18_000, 75_000, 60_000, 40_000)
        return cls(*(max(1, round(size * scale)) for size in at_one))

    @property
    def sessions(self) -> int:
        """Planning sessions: at least one per room."""
        return max(self.rooms, round(self.votes / VOTES_PER_SESSION))

    @property
    def live(self) -> int:
        """How many sessions of each kind, and new visitors, lie in the last minutes."""
        return max(1, min(20, self.sessions // 1000))


@dataclass(frozen=True)
class Rooms:
    """One entry per room, teams first: its number of sessions, all between two shares of the activity."""

    is_team: Bools
    sessions: Ints
    begins: Floats
    ends: Floats


@dataclass(frozen=True)
class Sessions:
    """One entry per planning session, grouped by room and in order of time within it but for the live ones."""

    room: Ints
    votes: Ints
    closes: Ints


def rooms(rng: np.random.Generator, rhythm: Rhythm, amounts: Amounts) -> Rooms:
    """Rooms with a long-tailed lifetime: one session each, the further ones where a team lives long and meets often."""
    is_team = np.arange(amounts.rooms) < max(1, round(amounts.rooms * TEAM_SHARE))
    weeks = np.minimum(SHORTEST_WEEKS * (1 + rng.pareto(1.2, amounts.rooms)), LONGEST_WEEKS)
    weeks_between = rng.choice([1, 2], amounts.rooms, p=[0.6, 0.4])
    begins = rng.random(amounts.rooms)
    first_s = rhythm.instant_of(begins)
    last_s = np.minimum(first_s + 1 + np.where(is_team, weeks, 0) * WEEK_S, rhythm.edges[-1] + 1)
    meetings = np.where(is_team, last_s - first_s, 0) / weeks_between
    further = apportioned(rng, amounts.sessions - amounts.rooms, meetings)
    return Rooms(is_team, 1 + further, begins, rhythm.share_at(last_s))


def sessions(rng: np.random.Generator, rhythm: Rhythm, amounts: Amounts, of: Rooms) -> Sessions:
    """The sessions of all rooms: when they close and how many votes they hold."""
    room = owners(of.sessions)
    closes = habitual(rng, rhythm, of, spread_over_life(rng, rhythm, of))
    is_team = of.is_team[room]
    for kind in (is_team, ~is_team):
        live = latest(closes, np.flatnonzero(kind), amounts.live)
        closes[live] = int(rhythm.edges[-1]) - between(rng, 0, LIVE_S, len(live))
    length = rng.gamma(2.0, size=len(room)) * np.where(is_team, 1.0, 0.08)
    return Sessions(room, 1 + apportioned(rng, amounts.votes - len(room), length), closes)


def spread_over_life(rng: np.random.Generator, rhythm: Rhythm, of: Rooms) -> Ints:
    """An instant per session, spread evenly over the life of its room.

    Evenly in shares of activity, not in time: so they keep office hours, and are rarer at Christmas.
    """
    room = owners(of.sessions)
    place = (places_in_group(of.sessions) + rng.uniform(0.1, 0.9, len(room))) / of.sessions[room]
    return rhythm.instant_of(of.begins[room] + place * (of.ends - of.begins)[room])


def habitual(rng: np.random.Generator, rhythm: Rhythm, of: Rooms, instants: Ints) -> Ints:
    """Most first meetings of a room in a week, moved to the weekday and time at which the room met first."""
    week = instants // WEEK_S
    usual = (instants[starts(of.sessions)] % WEEK_S)[owners(of.sessions)]
    moved = week * WEEK_S + usual + between(rng, -600, 600, len(instants))
    first_of_week = (week != np.roll(week, 1)) | (places_in_group(of.sessions) == 0)
    fits = first_of_week & (moved >= 0) & (moved <= rhythm.edges[-1]) & (rng.random(len(week)) < 0.85)
    return np.where(fits, moved, instants)


def latest(instants: Ints, candidates: Ints, amount: int) -> Ints:
    """Those candidates whose instants are the last."""
    return candidates[np.argsort(instants[candidates], kind="stable")[-amount:]]


@dataclass(frozen=True)
class Teams:
    """The people of each room: member `k` of a room is `user[first[room] + k]`; member 0 opens the room."""

    size: Ints
    first: Ints
    user: Ints


def teams(rng: np.random.Generator, amounts: Amounts, of: Rooms, at: Sessions) -> Teams:
    """Teams of three to nine (one or two where a room is only tried), drawn from half of the users.

    Teams grow until all estimations have someone to give them, with one in eight to spare for those who are absent.
    """
    amount = len(of.is_team)
    size = np.where(of.is_team, 3 + rng.binomial(6, 0.4, amount), 1 + rng.binomial(1, 0.15, amount))
    votes = np.bincount(at.room, at.votes, amount)
    while size @ votes < amounts.estimations * 9 / 8:
        size = size + of.is_team
    members = rng.permutation(amounts.users)[: max(1, amounts.users // 2)]
    return Teams(size, starts(size), np.resize(members, size.sum()))


def first_and_last(at: Sessions, of: Rooms, opens: Ints) -> tuple[Ints, Ints]:
    """The first opening and the last closing per room."""
    edges = starts(of.sessions)
    return np.minimum.reduceat(opens, edges), np.maximum.reduceat(at.closes, edges)
