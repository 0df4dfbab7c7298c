"""Two facts packed into one integer, because sorting integers is what is fast.

A user is packed as a 64-bit hash of the id. Two of n users share a hash with a probability of about n² / 2⁶⁵ (for
1 million users 3 in 100 million); they would then count as one. Where a day and a flag share the 64 bits, 47 are left
for the hash: n² / 2⁴⁸ (4 in 1,000 for a million users), again an error of one user.
"""

from datetime import timedelta

import polars as pl

DAY_BITS = 16
ROOM = 1 << 63
ROOM_SUBJECT = ROOM >> DAY_BITS
SUBJECT_MASK = pl.lit(ROOM - (1 << DAY_BITS), pl.UInt64)
MICROSECOND = timedelta(microseconds=1)
# No two instants of one user lie further apart, nor do two users' keys lie closer together.
ANOTHER_USER = 1 << 63


def user_hash(column: str = "user_id") -> pl.Expr:
    """A 64-bit hash of a user id (UInt64, null for null); the same for all tables of one computation."""
    return pl.when(pl.col(column).is_not_null()).then(pl.col(column).hash())


def user_day(column: str, time: str) -> pl.Expr:
    """A user's hash and a UTC day in one integer: sorts by user, then by day (UInt64, the highest bit 0)."""
    return (user_hash(column) & SUBJECT_MASK) | _day_number(time)


def room_day(column: str, time: str) -> pl.Expr:
    """A room's number and a UTC day in one integer: sorts by room, then by day (UInt64, the highest bit 1).

    Exact for room numbers below 2⁴⁷.
    """
    room = pl.col(column).cast(pl.UInt64, wrap_numerical=True) * (1 << DAY_BITS)
    return (room & SUBJECT_MASK) | _day_number(time) | pl.lit(ROOM, pl.UInt64)


def subject_of(key: str) -> pl.Expr:
    """The user or room of a packed day (UInt64): at least `ROOM_SUBJECT` for a room."""
    return pl.col(key) // (1 << DAY_BITS)


def day_of(key: str) -> pl.Expr:
    """The day of a packed day, as days since 1970-01-01 (Int32)."""
    return (pl.col(key) % (1 << DAY_BITS)).cast(pl.Int32)


def _day_number(time: str) -> pl.Expr:
    """Days since 1970-01-01 (UInt64); fits its 16 bits until the year 2149."""
    return pl.col(time).dt.date().to_physical().cast(pl.UInt64)


def user_time(column: str, time: str) -> pl.Expr:
    """A user's hash in the high 64 bits, microseconds since 1970 in the low ones (UInt128): sorts by user, then time.

    The difference of two neighbours is their distance in microseconds when they are of one user, and more than
    2⁶³ when they are not.
    """
    return user_hash(column).cast(pl.UInt128) * (1 << 64) + pl.col(time).dt.timestamp("us").cast(pl.UInt128)
