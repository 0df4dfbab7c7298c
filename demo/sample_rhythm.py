"""When planning poker is played: office hours, workdays, seasons and growth.

Inside the sample an instant is a number of seconds since `FIRST_DAY`. That is a Monday, so `instant % WEEK_S` is the
second of the week.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import numpy as np
import polars as pl

from demo.sample_draws import Floats, Ints

FIRST_DAY = datetime(2024, 6, 3, tzinfo=UTC)
HOUR_S = 3600
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S

# Relative activity per hour of the day (UTC): Europe from 7, the Americas from 13 to 22, a little Asia before.
HOURS = (1, 1, 1, 2, 5, 8, 16, 45, 80, 90, 75, 45, 60, 95, 90, 80, 60, 48, 44, 36, 26, 12, 4, 2)
WEEKDAYS = (0.95, 1.1, 1.1, 1.05, 0.75, 0.05, 0.06)  # Monday to Sunday
GROWTH = (0.5, 1.6)  # from the first instant to the last
SUMMER, SUMMER_SHARE = (196, 237), 0.7  # days of the year: mid July to late August
CHRISTMAS, NEW_YEAR, HOLIDAY_SHARE = 356, 3, 0.2


@dataclass(frozen=True)
class Rhythm:
    """How much of all activity has happened by each instant, as a line through hourly points."""

    edges: Floats
    shares: Floats

    @classmethod
    def until(cls, last_s: int) -> Self:
        """The rhythm of `FIRST_DAY`..`last_s`."""
        edges = np.append(np.arange(0, last_s, HOUR_S), last_s).astype(np.float64)
        done = np.append(0.0, np.cumsum(busyness(edges[:-1], last_s) * np.diff(edges)))
        return cls(edges, done / done[-1])

    def share_at(self, instants: Floats | Ints) -> Floats:
        """The share (0..1) of all activity that lies before each instant."""
        return np.interp(instants, self.edges, self.shares)

    def instant_of(self, shares: Floats) -> Ints:
        """The instant by which each share of the activity has happened: of evenly drawn shares, instants in rhythm."""
        return np.interp(shares, self.shares, self.edges).astype(np.int64)


def busyness(hours: Floats, last_s: int) -> Floats:
    """Relative activity in the hour that starts at each instant."""
    weekday = np.asarray(WEEKDAYS)[(hours % WEEK_S // DAY_S).astype(np.int64)]
    hour = np.asarray(HOURS, dtype=np.float64)[(hours % DAY_S // HOUR_S).astype(np.int64)]
    return weekday * hour * season(hours) * np.interp(hours, [0, last_s], GROWTH)


def season(hours: Floats) -> Floats:
    """The dips of summer and Christmas, as a factor."""
    day = (hours / DAY_S + FIRST_DAY.timetuple().tm_yday) % 365.25
    summer = np.where((day >= SUMMER[0]) & (day <= SUMMER[1]), SUMMER_SHARE, 1.0)
    return np.where((day >= CHRISTMAS) | (day <= NEW_YEAR), HOLIDAY_SHARE, summer)


def times(instants: Ints) -> pl.Series:
    """Instants as a column of whole UTC seconds."""
    since_epoch = instants + int(FIRST_DAY.timestamp())
    return pl.Series(since_epoch * 1_000_000).cast(pl.Datetime("us", "UTC"))
