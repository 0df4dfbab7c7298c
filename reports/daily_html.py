"""The daily report as one HTML file for mail clients: tables, inline styles, and pictures with alternative text."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from html import escape

from reports.bar_chart import bar_chart
from reports.daily import Document, long_date

FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
INK, MUTED, LINE = "#171c2a", "#586075", "#e3e6ee"
CELL = f"width:15%;padding:7px 0 7px 12px;border-bottom:1px solid {LINE};font-size:14px;color:{INK};text-align:right"
NAME = f"padding:7px 12px 7px 0;border-bottom:1px solid {LINE};font-size:14px;color:{INK};text-align:left"
HEAD = f";font-size:12px;font-weight:normal;color:{MUTED}"
RISEN, FALLEN = "#16724b", "#b3263e"

# Returns the URL of a picture, given its number and its bytes.
type Place = Callable[[int, bytes], str]


def inline(_: int, png: bytes) -> str:
    """A URL with the picture inline."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def daily_html(document: Document, place: Place = inline) -> str:
    """The report as a complete HTML file."""
    title = escape(document.title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head>"
        f'<body style="margin:0;padding:0;background:#f5f6f9;{FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f5f6f9"><tr>'
        '<td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="600" cellpadding="0" cellspacing="0" '
        f'style="width:100%;max-width:600px;background:#ffffff;border:1px solid {LINE};border-radius:10px"><tr>'
        f'<td style="padding:24px">{"".join(_parts(document, place))}</td>'
        "</tr></table></td></tr></table></body></html>\n"
    )


def _parts(document: Document, place: Place) -> Iterator[str]:
    yield f'<h1 style="margin:0;font-size:20px;line-height:1.3;color:{INK}">{escape(document.title)}</h1>'
    compared = f"Days of {document.zone}, compared with {long_date(document.report.compared_with)}"
    yield f'<p style="margin:4px 0 16px;font-size:13px;color:{MUTED}">{escape(compared)}</p>'
    yield from (_notice(notice) for notice in document.notices)
    yield _table(("", "Day", "Week before", "Change", "4-week mean"), list(document.rows()))
    for number, (title, values) in enumerate(document.charts()):
        yield _heading(title)
        yield _picture(number, title, values, document.marked, place)
    for title, rows in document.movers():
        yield _heading(f"Moved most: {title}")
        yield _table(("", "Day", "Week before", "Change"), rows)


def _heading(text: str) -> str:
    return f'<h2 style="margin:24px 0 8px;font-size:14px;color:{INK}">{escape(text)}</h2>'


def _notice(text: str) -> str:
    style = "margin:0 0 12px;padding:10px 12px;background:#fff4dc;color:#8a5a00;font-size:13px;border-radius:6px"
    return f'<p style="{style}">{escape(text)}</p>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(
        f'<th scope="col" style="{(CELL if i else NAME) + HEAD}">{escape(text)}</th>' for i, text in enumerate(head)
    )
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    opening = '<table width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse">'
    return f"{opening}<tr>{heads}</tr>{body}</table>"


def _cells(row: Sequence[str]) -> str:
    name, *cells = row
    figures = "".join(f'<td style="{CELL}{_tint(cell)}">{escape(cell)}</td>' for cell in cells)
    return f'<th scope="row" style="{NAME};font-weight:normal">{escape(name)}</th>{figures}'


def _tint(cell: str) -> str:
    """The colour of a change, chosen by its sign."""
    return {"+": f";color:{RISEN}", "-": f";color:{FALLEN}"}.get(cell[:1], "")


def _picture(number: int, title: str, values: Sequence[int], marked: Sequence[int], place: Place) -> str:
    address = place(number, bar_chart(values, marked))
    text = f"{title}: {', '.join(map(str, values))}"
    style = f"display:block;width:100%;height:auto;font-size:12px;color:{MUTED}"
    return f'<img src="{address}" alt="{escape(text)}" width="552" style="{style}">'
