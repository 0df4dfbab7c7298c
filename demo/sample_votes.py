"""What happens in a planning session: votes, and who estimates what in them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from demo.sample_draws import Bools, Floats, Ints, labels, owners, places_in_group, starts, weighted
from demo.sample_rhythm import times
from demo.sample_sessions import Sessions, Teams
from demo.sample_words import CARDS

VALUES: tuple[int | None, ...] = (*(card for card, _ in CARDS), None)
NO_CARD = len(CARDS)  # the position of the null in VALUES
HIGHEST_OF_HOST = NO_CARD - 2  # 89: an average of 100.00 does not fit decimal(4,2)
NEXT_TO_EACH_OTHER = (0.20, 0.58, 0.19, 0.03)  # one card lower than the team, the same, one higher, two higher
SPECTATOR_SHARE = 0.07
NO_ESTIMATION_SHARE = 0.02


@dataclass(frozen=True)
class Votes:
    """One entry per vote, grouped by session; `opens` has one entry per session: when its first discussion begins."""

    session: Ints
    room: Ints
    duration: Ints
    voted_at: Ints
    opens: Ints


def votes(rng: np.random.Generator, at: Sessions) -> Votes:
    """The votes of each session, one discussion and one vote after the other, up to its closing."""
    session = owners(at.votes)
    duration = rng.lognormal(np.log(40), 0.7, len(session)).clip(4, 1200).astype(np.int64)
    discussion = rng.lognormal(np.log(90), 0.7, len(session)).clip(5, 1200).astype(np.int64)
    done = np.cumsum(duration + discussion)
    length = np.add.reduceat(duration + discussion, starts(at.votes))
    opens = at.closes - length
    voted_at = (opens - starts(length))[session] + done
    return Votes(session, at.room[session], duration, voted_at.clip(0), opens.clip(0))


@dataclass(frozen=True)
class Seats:
    """One entry per session and team member, present or not; session `s` has its seats from `first[s]` on."""

    session: Ints
    member: Ints
    user: Ints
    first: Ints


def seats(at: Sessions, people: Teams) -> Seats:
    """The whole team of each session."""
    size = people.size[at.room]
    session, member = owners(size), places_in_group(size)
    return Seats(session, member, people.user[people.first[at.room][session] + member], starts(size))


@dataclass(frozen=True)
class Estimations:
    """One entry per estimation, grouped by vote; `card` is a position in `VALUES`."""

    vote: Ints
    seat: Ints
    card: Ints
    spectator: Bools
    estimated_at: Ints


def estimations(rng: np.random.Generator, amount: int, played: Votes, people: Teams, taken: Seats) -> Estimations:
    """Exactly `amount` estimations: every vote has its host, the rest are those least likely to be absent."""
    vote, seat = present(rng, amount, played, people, taken)
    is_host = taken.member[seat] == 0
    spectator = (rng.random(len(taken.user)) < SPECTATOR_SHARE)[seat] & ~is_host
    silent = spectator | ((rng.random(amount) < NO_ESTIMATION_SHARE) & ~is_host)
    before_end = played.duration[vote] * rng.uniform(0.02, 0.95, amount)
    return Estimations(
        vote,
        seat,
        np.where(silent, NO_CARD, cards(rng, vote, is_host, len(played.room))),
        spectator,
        (played.voted_at[vote] - before_end.astype(np.int64)).clip(0),
    )


def present(rng: np.random.Generator, amount: int, played: Votes, people: Teams, taken: Seats) -> tuple[Ints, Ints]:
    """Vote and seat of those who take part: mostly the same people for a whole session, always its host."""
    size = people.size[played.room]
    vote = owners(size)
    seat = taken.first[played.session][vote] + places_in_group(size)
    absence = np.where(taken.member == 0, -1.0, rng.random(len(taken.user)))[seat] + 0.2 * rng.random(len(seat))
    chosen = np.sort(np.argpartition(absence, amount - 1)[:amount])
    return vote[chosen], seat[chosen]


def cards(rng: np.random.Generator, vote: Ints, is_host: Bools, amount_of_votes: int) -> Ints:
    """Positions in `CARDS`: the members of a vote are close to each other, and its host never takes the 100."""
    middle = weighted(rng, [weight for _, weight in CARDS], amount_of_votes)
    near = middle[vote] + weighted(rng, NEXT_TO_EACH_OTHER, len(vote)) - 1
    return near.clip(0, np.where(is_host, HIGHEST_OF_HOST, NO_CARD - 1))


def votes_table(rng: np.random.Generator, room_id: Ints, played: Votes, given: Estimations) -> pl.DataFrame:
    """The votes with what their estimations add up to."""
    total, amount, low, high = summary(given)
    return pl.DataFrame(
        {
            "room_id": room_id[played.room],
            "avg_estimation": (total / amount).round(2),
            "max_estimation": high,
            "min_estimation": low,
            "amount_of_estimations": amount,
            "amount_of_spectators": np.add.reduceat(given.spectator.astype(np.int64), edges(given)),
            "duration": played.duration,
            "was_auto_flip": rng.random(len(played.room)) < 0.6,
            "voted_at": times(played.voted_at),
        }
    )


def summary(given: Estimations) -> tuple[Floats, Ints, Ints, Ints]:
    """Sum, number, lowest and highest of the values in each vote, nulls left out."""
    counts = given.card != NO_CARD
    value = np.asarray([*(card for card, _ in CARDS), 0])[given.card]
    first = edges(given)
    return (
        np.add.reduceat(value.astype(np.float64), first),
        np.add.reduceat(counts.astype(np.int64), first),
        np.minimum.reduceat(np.where(counts, value, 999), first),
        np.maximum.reduceat(np.where(counts, value, -1), first),
    )


def edges(given: Estimations) -> Ints:
    """Where the estimations of each vote begin."""
    return np.flatnonzero(np.diff(given.vote, prepend=-1))


def estimations_table(
    user_id: pl.Series, room_id: Ints, played: Votes, taken: Seats, given: Estimations
) -> pl.DataFrame:
    """The estimations as the source stores them: without their vote."""
    return pl.DataFrame(
        {
            "user_id": user_id.gather(taken.user[given.seat]),
            "room_id": room_id[played.room[given.vote]],
            "estimation": labels(VALUES, given.card, pl.Int16),
            "spectator": given.spectator,
            "estimated_at": times(given.estimated_at),
        }
    )
