"""The daily report over the API: as figures, as text and as a file for mail clients."""

import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from read_model.tables.fpp import PAGE_VIEWS, ROOMS, USERS, VOTES
from reports.bar_chart import BAR, GAP, HEIGHT, MARKED, PAPER, WIDTH, bar_chart
from tests.routers.v1.api import NOW, Api, publish

# A Wednesday; NOW is the Thursday after it.
REPORTED = "2026-03-04"
DRAWN = {
    PAGE_VIEWS: """
        user_id | route | source | viewed_at
        ann     | HOME  | null   | 2026-02-25 09:00
        ann     | HOME  | null   | 2026-03-04 09:00
        bob     | HOME  | null   | 2026-03-04 10:00
        """,
    VOTES: """
    voted_at|room_id|avg_estimation|max_estimation|min_estimation|duration|amount_of_estimations|amount_of_spectators
    2026-03-04 09:10|1|4.00|5|3|60|1200|0
        """,
    ROOMS: """
        id | name           | first_used_at    | last_used_at
        1  | <b>&\u202eroom | 2026-02-23 09:00 | 2026-03-03 09:11
        """,
    USERS: """
        device  | os    | browser | country | region | city   | created_at
        desktop | Linux | Firefox | DE      | BE     | Berlin | 2026-02-23 09:00
        """,
}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """The API over a day with two visitors and one vote."""
    publish(tmp_path, DRAWN)
    return Api(tmp_path)


class Page(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_yesterday_is_the_day_before_in_the_zone(api: Api) -> None:
    """At 12:30 UTC it is Thursday everywhere; at 23:30 UTC it is Friday in Berlin."""
    assert api.data("reports/daily")["date"] == REPORTED
    api.now = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    assert api.data("reports/daily")["date"] == REPORTED
    assert api.data("reports/daily", timezone="Europe/Berlin")["date"] == "2026-03-05"


def test_the_figures_are_compared_and_say_their_day(api: Api) -> None:
    body = api.get("reports/daily")
    figures = body["data"]["figures"]
    assert (figures["unique_users"]["value"], figures["unique_users"]["comparison"]) == (2, 1)
    assert figures["returning_share"]["value"] == 0.5
    assert body["query"] == {"date": REPORTED, "timezone": "UTC", "format": "json"}
    assert body["meta"]["notices"] == []


def test_a_day_that_is_still_open_says_so(api: Api) -> None:
    assert "still open" in api.get("reports/daily", date="2026-03-05")["meta"]["notices"][0]
    assert "! The day is not complete yet" in api.ask("reports/daily", date="2026-03-05", format="text").text


@pytest.mark.parametrize("date", ["today", "20260304", "2026-02-30", "1969-12-31", "2026-3-4", ""])
def test_an_invalid_day_is_refused(api: Api, date: str) -> None:
    answer = api.ask("reports/daily", date=date)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "date"
    assert answer.json()["errors"][0]["allowed"] == ["yesterday", "YYYY-MM-DD"]


@pytest.mark.parametrize("format_", ["json", "html", "text"])
def test_a_known_answer_is_not_sent_again(api: Api, format_: str) -> None:
    tag = api.ask("reports/daily", format=format_).headers["ETag"]
    assert api.ask("reports/daily", {"If-None-Match": tag}, format=format_).status_code == 304
    other = "text" if format_ == "html" else "html"
    assert api.ask("reports/daily", {"If-None-Match": tag}, format=other).status_code == 200


def test_the_text_fits_a_terminal(api: Api) -> None:
    """Tables in columns of 80 characters, bars of blocks, and no character that would move the cursor."""
    answer = api.ask("reports/daily", format="text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == "Planning poker on Wednesday, 4 March 2026"
    assert "Estimations                         1,200            0            -            0" in lines
    assert "Returning share                     50.0%         0.0%            -         0.0%" in lines
    assert max(map(len, lines)) <= 80
    assert "<b>&\N{REPLACEMENT CHARACTER}room" in answer.text
    assert f"{'▁' * 28}█" in lines
    assert answer.text.endswith("\n")


def test_the_html_is_one_file_that_runs_nothing(api: Api) -> None:
    """Tables, inline styles, and inline pictures with alternative texts."""
    answer = api.ask("reports/daily", format="html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in answer.headers["content-security-policy"]
    page = Page(answer.text)
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "body", "table", "tr", "td", "th", "h1", "h2", "p", "img"),
    }
    assert "<b>&\N{REPLACEMENT CHARACTER}room" in page.text
    assert not re.search(r"""(?:src|href)="(?!data:)""", answer.text)
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert [picture["alt"] for picture in pictures] == [
        f"Votes per day, four weeks: {', '.join(['0'] * 28)}, 1",
        f"Visitors per day, four weeks: {', '.join(['0'] * 21)}, 1, 0, 0, 0, 0, 0, 0, 2",
    ]
    for picture in pictures:
        assert pixels(b64decode((picture["src"] or "").removeprefix("data:image/png;base64,")))


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and data of each chunk of a PNG, whose checksums must be right."""
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert png[at + 8 + length : at + 12 + length] == struct.pack(">I", zlib.crc32(kind + data))
        yield kind, data
        at += 12 + length


def pixels(png: bytes) -> list[list[tuple[int, ...]]]:
    """The colours of a PNG, line by line."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    parts = dict(chunks(png))
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    raw = zlib.decompress(parts[b"IDAT"])
    lines = [raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)] for y in range(height)]
    return [[tuple(line[x : x + 3]) for x in range(0, len(line), 3)] for line in lines]


def test_bars_are_as_high_as_their_values() -> None:
    """Half, whole and none; the second one is marked."""
    lines = pixels(bar_chart([1, 2, 0], [1]))
    assert (len(lines), len(lines[0])) == (HEIGHT, 3 * (WIDTH + GAP))
    columns = list(zip(*lines, strict=True))
    assert columns[0] == (PAPER,) * (HEIGHT // 2) + (BAR,) * (HEIGHT // 2)
    assert columns[WIDTH + GAP] == (MARKED,) * HEIGHT
    assert set(columns[2 * (WIDTH + GAP)]) == set(columns[WIDTH]) == {PAPER}


def test_a_report_of_nothing_is_drawn_too() -> None:
    assert {colour for line in pixels(bar_chart([0, 0], [])) for colour in line} == {PAPER}


def test_now_is_a_thursday() -> None:
    """On which the tests above rely."""
    assert NOW.strftime("%A") == "Thursday"
