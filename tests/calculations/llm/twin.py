"""The same figures, counted slowly by plain Python: one call after the other, in exact fractions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from calculations.llm.events import STATUSES
from calculations.time.buckets import Granularity
from calculations.time.period import Period
from tests.calculations.llm.calls import ACME, Call

type Row = dict[str, Any]


def chosen(calls: Iterable[Call], period: Period) -> list[Call]:
    """The calls of ACME in a period."""
    return [call for call in calls if call["org_id"] == ACME and period.start <= call["occurred_at"] < period.end]


def series(calls: Iterable[Call], granularity: Granularity, zone: str, by: str | None) -> list[Row]:
    """The calls of each bucket and group, newest bucket first, then by code points, null last."""
    found = defaultdict(list)
    for call in calls:
        found[bucket_start(call["occurred_at"], granularity, zone), call[by] if by else None].append(call)
    in_order = sorted(found, key=lambda key: (-key[0].timestamp(), key[1] is None, key[1] or ""))
    return [{"start": start, "group": group, "calls": found[start, group]} for start, group in in_order]


def bucket_start(instant: datetime, granularity: Granularity, zone: str) -> datetime:
    """The first instant of the local hour, day, week or month: the earliest second that the clocks call the same."""
    found = instant.replace(microsecond=0)
    name = _name(found, granularity, zone)
    for step in (timedelta(days=1), timedelta(minutes=15), timedelta(minutes=1), timedelta(seconds=1)):
        while _name(found - step, granularity, zone) == name:
            found -= step
    return found


def _name(instant: datetime, granularity: Granularity, zone: str) -> object:
    local = instant.astimezone(ZoneInfo(zone))
    match granularity:
        case "hour":
            # Twice the same hour is two buckets; a shift by half an hour makes one longer.
            return local.date(), local.hour, _hours_repeated(instant, zone)
        case "week":
            return local.date() - timedelta(days=local.weekday())
        case "month":
            return local.year, local.month
    return local.date()


def _hours_repeated(instant: datetime, zone: str) -> bool:
    local = instant.astimezone(ZoneInfo(zone))
    shifted = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    whole = local.replace(fold=0).astimezone(UTC) - local.replace(fold=1).astimezone(UTC)
    return shifted and bool(local.fold) and abs(whole) == timedelta(hours=1)


def sums(calls: Sequence[Call]) -> Row:
    """The figures of usage."""
    return {
        "invocations": len(calls),
        "input_tokens": sum(call["input_tokens"] for call in calls),
        "output_tokens": sum(call["output_tokens"] for call in calls),
        "cost_estimate_cents": sum((call["cost_estimate"] or Decimal() for call in calls), Decimal()),
        "unpriced_invocations": sum(call["cost_estimate"] is None for call in calls),
        **{status: sum(call["status"] == status for call in calls) for status in STATUSES},
    }


def failures(calls: Sequence[Call]) -> Row:
    """The figures of reliability."""
    statuses = [call["status"] for call in calls]
    return {
        "invocations": len(calls),
        **{status: statuses.count(status) for status in STATUSES},
        "error_rate": (len(calls) - statuses.count("success")) / len(calls) if calls else None,
        "error_only_rate": statuses.count("error") / len(calls) if calls else None,
        **{f"p{percent}": percentile([call["latency_ms"] for call in calls], percent) for percent in (50, 95, 99)},
    }


def percentile(values: Sequence[int], percent: int) -> float | None:
    """Linear interpolation between ranks, one decimal, half up."""
    if not values:
        return None
    ranks, position = sorted(values), Fraction((len(values) - 1) * percent, 100)
    lower = int(position)
    upper = min(lower + 1, len(ranks) - 1)
    exact = ranks[lower] + (position - lower) * (ranks[upper] - ranks[lower])
    hundredths = Decimal(exact.numerator) / Decimal(exact.denominator)
    return float(hundredths.quantize(Decimal("0.1"), ROUND_HALF_UP))
