"""The content of the daily report in any format: names, formatted numbers, and notices."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from calculations.fpp.daily_report import DailyReport, DayFigure, DayFigures
from calculations.time.period import Period

FIGURES = {
    "votes": "Votes",
    "estimations": "Estimations",
    "rooms": "Rooms",
    "unique_users": "Visitors",
    "page_views": "Page views",
    "returning_users": "Returning visitors",
    "returning_share": "Returning share",
}
SHARES = ("returning_share",)
MOVERS = {"sources": "Sources (page views)", "countries": "Countries (visitors)", "rooms": "Rooms (votes)"}
CHARTS = {"votes": "Votes", "unique_users": "Visitors"}
NOTHING = "-"
# Terminal escape sequences, and line breaks in a name.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
WEEK = 7


@dataclass(frozen=True)
class Document:
    """A report with its title, time zone and notices."""

    report: DailyReport
    zone: str
    notices: tuple[str, ...]

    @property
    def title(self) -> str:
        """The title, which names the day."""
        return f"Planning poker on {long_date(self.report.date)}"

    @property
    def subject(self) -> str:
        """The title with the most important figure."""
        votes = self.report.figures.votes
        change = "" if votes.change_pct is None else f" ({percent(votes.change_pct)})"
        return f"{self.title}: {number(votes.value)} {'vote' if votes.value == 1 else 'votes'}{change}"

    @property
    def marked(self) -> list[int]:
        """The indices of the days on the reported weekday."""
        last = len(self.report.days) - 1
        return [day for day in range(last + 1) if (last - day) % WEEK == 0]

    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Per figure: its name, value, value a week before, change, and mean of four weeks."""
        for name in DayFigures.model_fields:
            figure: DayFigure = getattr(self.report.figures, name)
            write = share if name in SHARES else number
            yield (
                FIGURES[name],
                write(figure.value),
                write(figure.comparison),
                percent(figure.change_pct),
                write(figure.four_week_mean),
            )

    def movers(self) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
        """Per list that has rows: its name, and rows of label, count, count a week before, and difference."""
        for name, title in MOVERS.items():
            rows = [
                (plain(mover.name), number(mover.value), number(mover.comparison), f"{mover.change:+,}")
                for mover in getattr(self.report.movers, name)
            ]
            if rows:
                yield title, rows

    def charts(self) -> Iterator[tuple[str, list[int]]]:
        """Per chart: its title, and one value per day."""
        for name, title in CHARTS.items():
            yield f"{title} per day, four weeks", [getattr(day, name) for day in self.report.days]


def notices(period: Period, known_until: datetime, freshness: str) -> Iterator[str]:
    """What to know before relying on a report of a day, in sentences; `freshness` is the status /health gives."""
    until = known_until.astimezone(UTC).isoformat(timespec="seconds")
    if freshness == "future":
        yield "The data are dated ahead of the clock: see /health."
    elif freshness != "ok":
        yield f"The data are {freshness}: nothing after {until} is counted."
    if period.start >= known_until:
        yield f"The day has not begun by {until}, the time up to which data are known: nothing is counted yet."
    elif period.end > known_until:
        yield f"The day is not complete yet: all days are counted up to the time of day of {until}."


def long_date(day: date) -> str:
    """`Friday, 20 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B %Y}"


def plain(text: str) -> str:
    """A text from the data without characters that do more than show text."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def number(value: float) -> str:
    """A number with thousands separators and at most two decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def share(value: float) -> str:
    """A share (0 to 1) in percent."""
    return f"{value:.1%}"


def percent(value: float | None) -> str:
    """A change in percent, with its sign; a dash for null."""
    return NOTHING if value is None else f"{value:+,.1f}%"
