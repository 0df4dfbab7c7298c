"""Parameters that are text in a fixed notation: date ranges, comparisons and time zones."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import polars as pl
from polars.exceptions import ComputeError
from pydantic import AfterValidator, WithJsonSchema

from calculations.time.date_ranges import COMPARISONS, RANGES, TWO_DATES, TWO_INSTANTS, parsed_range
from web.validation import choice_error


def _is_date_range(text: str) -> str:
    if text not in RANGES:
        _check_dates(text, RANGES)
    return text


def _is_comparison(text: str) -> str:
    if text not in COMPARISONS:
        _check_dates(text, COMPARISONS)
    return text


def _check_dates(text: str, names: tuple[str, ...]) -> None:
    try:
        parsed_range(text, "UTC")
    except ValueError as error:
        raise choice_error(str(error), *names, TWO_DATES, TWO_INSTANTS) from None


# Listing them walks the file system, so the server does it once at startup.
time_zones = cache(available_timezones)


def _is_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("no such time zone; allowed: IANA names such as UTC, Europe/Berlin, America/New_York")
    try:
        pl.Series([], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except ComputeError:
        raise ValueError("this time zone can't be computed with; allowed: IANA names such as Europe/Berlin") from None
    return name


def _written(names: tuple[str, ...], format_: str) -> WithJsonSchema:
    """The notation of a period, for the OpenAPI schema: a name, two dates or two instants."""
    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    instant = f"{day}T[0-9:.]+(Z|[+-][0-9]{{2}}:[0-9]{{2}})"
    pattern = f"^({'|'.join(names)}|{day},{day}|{instant},{instant})$"
    return WithJsonSchema({"type": "string", "format": format_, "pattern": pattern})


DateRange = Annotated[str, AfterValidator(_is_date_range), _written(RANGES, "date-range")]
Comparison = Annotated[str, AfterValidator(_is_comparison), _written(COMPARISONS, "comparison")]
TimeZone = Annotated[str, AfterValidator(_is_zone), WithJsonSchema({"type": "string", "format": "time-zone"})]
