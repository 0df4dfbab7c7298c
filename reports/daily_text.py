"""The daily report as text for a terminal, at most 80 columns wide."""

from collections.abc import Iterator

from reports.daily import Document, long_date

LEVELS = "▁▂▃▄▅▆▇█"
NAME, CELL = 28, 13
LONGEST = 26


def daily_text(document: Document) -> str:
    """The report, ending with a line break."""
    return "\n".join([*_lines(document), ""])


def _lines(document: Document) -> Iterator[str]:
    yield document.title
    yield f"Days of {document.zone}, compared with {long_date(document.report.compared_with)}"
    yield ""
    yield from _table(("", "day", "week before", "change", "4-week mean"), document.rows())
    for title, values in document.charts():
        yield ""
        yield title
        yield _sparkline(values)
    for title, rows in document.movers():
        yield ""
        yield from _table((title, "day", "week before", "change"), rows)
    if document.notices:
        yield ""
        yield from (f"! {notice}" for notice in document.notices)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, str, str, str]]) -> Iterator[str]:
    for name, *cells in (head, *rows):
        yield f"{_cut(name):<{NAME}}{''.join(f'{cell:>{CELL}}' for cell in cells)}".rstrip()


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _sparkline(values: list[int]) -> str:
    most = max([*values, 1])
    return "".join(LEVELS[round(value / most * (len(LEVELS) - 1))] for value in values)
