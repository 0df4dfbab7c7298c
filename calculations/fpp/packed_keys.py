"""Several values packed into one integer, because sorting integers is fast.

A user is packed as a 64-bit hash of the id. Among n users, two share a hash with a probability of about n² / 2⁶⁵
(3 in 100 million for 1 million users); their activities would then count as those of one user.
"""

from datetime import timedelta
from itertools import pairwise

import polars as pl

from calculations.time.period import MICROSECOND

# The kind of an activity, in the bits below its time.
LOOKED = 0
ESTIMATED = 1
TICKS = 4  # of a microsecond, so that two kinds at one time differ by less than half of it

# Two keys of one user differ by at most this, those of two users by more.
_ANOTHER_USER = 1 << 63

DAY_BITS = 24
# Activities per share, at most: enough to make the overhead of a share negligible.
SHARE = 2_000_000


def user_hash(column: str = "user_id", counted: pl.Expr | bool = True) -> pl.Expr:
    """A 64-bit hash of a user id (UInt64), the same for all tables of one computation.

    Null for null, and for a row that is not `counted` (Boolean).
    """
    return pl.when(pl.col(column).is_not_null() & counted).then(pl.col(column).hash())


def activity(column: str, time: str, kind: int, counted: pl.Expr | bool = True) -> pl.Expr:
    """A user's activity in one integer (UInt128): sorts by user, then by time.

    The high 64 bits are the user's hash, the low ones the microseconds since 1970 times `TICKS`, plus the kind. Exact
    for times since 1970. Null without a user or a time, and for a row that is not `counted` (Boolean): dropping nulls
    later costs less than filtering ids, which are strings.
    """
    ticks = pl.col(time).to_physical() * TICKS + kind
    return user_hash(column, counted).cast(pl.UInt128) * (1 << 64) + ticks.cast(pl.UInt128, wrap_numerical=True)


def is_estimation(key: str) -> pl.Expr:
    """Whether a packed activity is an estimation (Boolean)."""
    return pl.col(key).cast(pl.UInt8, wrap_numerical=True) % TICKS == ESTIMATED


def microsecond(key: str) -> pl.Expr:
    """The time of a packed activity (Int64, microseconds since 1970)."""
    return (pl.col(key).cast(pl.UInt64, wrap_numerical=True) // TICKS).cast(pl.Int64, wrap_numerical=True)


def gap(key: str) -> pl.Expr:
    """The difference of a packed activity to the previous one in sorted order (UInt128, in ticks; null for the first).

    For two activities of one user it is their distance in time, accurate to half a microsecond.
    """
    return pl.col(key) - pl.col(key).shift(1)


def begins_user(gap: str) -> pl.Expr:
    """Whether a gap separates two users, or is the first (Boolean)."""
    return pl.col(gap).is_null() | (pl.col(gap) > _ANOTHER_USER)


def at_most(gap: str, longest: timedelta) -> pl.Expr:
    """Whether a gap lies between activities of one user and is at most `longest` (Boolean, null for null)."""
    return pl.col(gap) <= longest // MICROSECOND * TICKS + ESTIMATED


def microseconds(gap: str) -> pl.Expr:
    """The time between two activities of one user, from their gap (Int64, microseconds)."""
    return (pl.col(gap).cast(pl.Int64, wrap_numerical=True) + ESTIMATED) // TICKS


def packed_day(subject: pl.Expr, day: pl.Expr) -> pl.Expr:
    """The numbers of a user or room and of a day in one integer (Int64): sorts by subject, then by day.

    Exact for subjects from -2³⁹ to 2³⁹ - 1 and days from 0 to 2²⁴ - 1.
    """
    return subject.cast(pl.Int64, wrap_numerical=True) * (1 << DAY_BITS) + day


def subject_of(key: str) -> pl.Expr:
    """The user or room of a packed day (Int64)."""
    return pl.col(key) // (1 << DAY_BITS)


def day_of(key: str) -> pl.Expr:
    """The number of the day of a packed day (Int32)."""
    return (pl.col(key) % (1 << DAY_BITS)).cast(pl.Int32)


def shares_of_users(keys: pl.Series, low_bits: int) -> list[pl.Series]:
    """Packed activities split into shares that never divide a user, so that counts per share add up.

    Args:
        keys: Sorted (UInt128, no nulls).
        low_bits: The number of bits below the user's.

    Returns:
        At least one; each has at most `SHARE` activities and the remaining ones of its last user. If there are several,
        they are of about equal size and a multiple of Polars' threads, so that no thread is left idle.
    """
    threads = pl.thread_pool_size()
    number = -(-len(keys) // (SHARE * threads)) * threads if len(keys) > SHARE else 1
    size = -(-len(keys) // number)
    edges = [0]
    while edges[-1] + size < len(keys):
        user = keys[edges[-1] + size - 1] >> low_bits
        last = pl.Series([((user + 1) << low_bits) - 1], dtype=pl.UInt128)
        edges.append(keys.search_sorted(last, side="right")[0])
    if edges[-1] < len(keys) or len(edges) == 1:
        edges.append(len(keys))
    return [keys.slice(begin, end - begin) for begin, end in pairwise(edges)]
