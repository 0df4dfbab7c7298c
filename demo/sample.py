"""A believable, repeatable sample of how Free Planning Poker is used.

Nothing in it is anybody's data: a seed and an instant give the same tables every time. The same team plays in every
table: its page views lead to its sessions, the estimations of a session make up its votes.
"""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from demo.sample_draws import Ints
from demo.sample_rhythm import FIRST_DAY, HOUR_S, Rhythm, times
from demo.sample_sessions import Amounts, Rooms, first_and_last, rooms, sessions, teams
from demo.sample_visits import attendances, events_table, page_views_table, user_ids, users_table, visitors
from demo.sample_votes import estimations, estimations_table, seats, votes, votes_table
from demo.sample_words import ROOM_GROUPS, ROOM_SUBJECTS
from read_model.table import INSTANT
from read_model.tables.fpp import ESTIMATIONS, EVENTS, PAGE_VIEWS, ROOMS, USERS, VOTES

MEDIUMINT_MAX = 8_388_607
ID = {"id": pl.Int32()}
USER_ID = {"user_id": pl.String()}
ROOM_ID = {"room_id": pl.Int32()}

# Names, order and types of section 2 of docs/metrics.md.
COLUMNS: dict[str, dict[str, pl.DataType]] = {
    ESTIMATIONS.name: ID
    | USER_ID
    | ROOM_ID
    | {"estimation": pl.Int16(), "spectator": pl.Boolean(), "estimated_at": INSTANT},
    EVENTS.name: ID | USER_ID | {"event": pl.String(), "event_at": INSTANT},
    PAGE_VIEWS.name: ID | USER_ID | {"route": pl.String()} | ROOM_ID | {"source": pl.String(), "viewed_at": INSTANT},
    ROOMS.name: ID | {"number": pl.Int32(), "name": pl.String(), "first_used_at": INSTANT, "last_used_at": INSTANT},
    VOTES.name: ID
    | ROOM_ID
    | {"avg_estimation": pl.Decimal(4, 2)}
    | dict.fromkeys(
        ("max_estimation", "min_estimation", "amount_of_estimations", "amount_of_spectators", "duration"), pl.Int16()
    )
    | {"was_auto_flip": pl.Boolean(), "voted_at": INSTANT},
    USERS.name: {"id": pl.String()}
    | dict.fromkeys(("device", "os", "browser", "country", "region", "city"), pl.String())
    | {"created_at": INSTANT},
}


def sample(now: datetime, scale: float = 1.0, seed: int = 20240603) -> dict[str, pl.DataFrame]:
    """The six source tables as they might stand at `now`, from 2024-06-03 on.

    `scale` multiplies the number of rows: 1 is 10,000 users, 2,500 rooms, 18,000 votes, 75,000 estimations, 60,000 page
    views and 40,000 events.

    Returns:
        One frame per table name, columns as in `COLUMNS`, rows in the order they were inserted.

    Raises:
        ValueError: `now` has no time zone or lies before 2024-06-03 01:00 UTC; `scale` is not positive.
    """
    last_s = seconds_since_first_day(now)
    if not scale > 0:
        raise ValueError(f"scale must be positive, not {scale}")
    rng, rhythm, amounts = np.random.default_rng(seed), Rhythm.until(last_s), Amounts.at(scale)
    of = rooms(rng, rhythm, amounts)
    at = sessions(rng, rhythm, amounts, of)
    people = teams(rng, amounts, of, at)
    taken, played = seats(at, people), votes(rng, at)
    given = estimations(rng, amounts.estimations, played, people, taken)
    seen = attendances(at, played, taken, given)
    came = visitors(rng, rhythm, amounts, seen)
    user_id = user_ids(rng, amounts.users)
    first_used, last_used = first_and_last(at, of, played.opens)
    room_id = np.argsort(np.argsort(first_used, kind="stable"), kind="stable") + 1
    tables = {
        ESTIMATIONS.name: estimations_table(user_id, room_id, played, taken, given),
        EVENTS.name: events_table(rng, last_s, amounts.events, user_id, came, seen),
        PAGE_VIEWS.name: page_views_table(rng, last_s, amounts.page_views, user_id, room_id, came, seen),
        ROOMS.name: rooms_table(rng, of, first_used, last_used),
        VOTES.name: votes_table(rng, room_id, played, given),
        USERS.name: users_table(rng, user_id, came, seen),
    }
    return {name: as_inserted(table, COLUMNS[name]) for name, table in tables.items()}


def seconds_since_first_day(now: datetime) -> int:
    """The last whole second of the sample."""
    if now.tzinfo is None:
        raise ValueError("now must have a time zone")
    last_s = int((now.astimezone(UTC) - FIRST_DAY).total_seconds())
    if last_s < HOUR_S:
        raise ValueError(f"now must be at least one hour after {FIRST_DAY:%Y-%m-%d %H:%M} UTC, not {now}")
    return last_s


def as_inserted(table: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows in order of time, numbered where the table does not bring its own key."""
    time = next(name for name, dtype in columns.items() if dtype == INSTANT)
    ordered = table.sort(time, maintain_order=True)
    keyed = ordered if "id" in table.columns else ordered.with_row_index("id", offset=1)
    return keyed.select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def rooms_table(rng: np.random.Generator, of: Rooms, first_used: Ints, last_used: Ints) -> pl.DataFrame:
    """The rooms with number and name."""
    amount = len(of.sessions)
    return pl.DataFrame(
        {
            "number": 1 + rng.choice(MEDIUMINT_MAX, amount, replace=False),
            "name": room_names(rng, amount),
            "first_used_at": times(first_used),
            "last_used_at": times(last_used),
        }
    )


def room_names(rng: np.random.Generator, amount: int) -> pl.Series:
    """Different names: every pair of words once, then again with 2, 3 and so on, shuffled."""
    pairs = pl.Series([subject + group for subject in ROOM_SUBJECTS for group in ROOM_GROUPS])
    number = np.arange(amount)
    suffix = pl.Series("", number // len(pairs) + 1).cast(pl.String)
    names = pl.DataFrame({"pair": pairs.gather(number % len(pairs)), "suffix": suffix})
    named = names.select(pl.col("pair") + pl.when(pl.col("suffix") == "1").then(pl.lit("")).otherwise("suffix"))
    return named["pair"].gather(rng.permutation(amount))
