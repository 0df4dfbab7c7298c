"""Funnels, worked by hand and against a twin that tries every attempt."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculations.fpp.attributes import ATTRIBUTES
from calculations.fpp.funnel import FunnelStep, Order, funnel
from calculations.fpp.funnel_steps import parsed_length, parsed_steps
from calculations.frames.filters import parsed_filter
from tests import asking
from tests.calculations.asking import START, Rows, attributes_of, frames, named, tables_of_rows

NOTHING: Rows = {"users": [], "rooms": [], "page_views": [], "events": [], "estimations": [], "votes": []}
STEPS = (
    "page_view:HOME",
    "page_view:ROOM",
    "page_view",
    "event:LEFT_ROOM",
    "estimation",
    "return:1d",
    "return:7d",
)


def steps_of(
    rows: Rows, steps: str, window: str | None = None, order: Order = "sequential", clauses: Any = ()
) -> list[FunnelStep]:
    """The steps of a funnel over rows."""
    tables = frames(rows)
    return funnel(
        tables,
        attributes_of(tables),
        parsed_steps(steps),
        filter_=parsed_filter(list(clauses), ATTRIBUTES),
        window=None if window is None else parsed_length(window),
        order=order,
    ).steps


@given(
    tables_of_rows(most=9),
    st.lists(st.sampled_from(STEPS), min_size=2, max_size=4).filter(lambda steps: not steps[0].startswith("return")),
    st.sampled_from((None, "5m", "10m", "20m", "1d", "7d")),
    st.booleans(),
)
def test_a_funnel_counts_what_the_twin_does(rows: Rows, steps: list[str], window: str | None, strict: bool) -> None:
    """Steps in any order, repeated, and with ties."""
    found = steps_of(rows, ",".join(steps), window, "strict" if strict else "sequential")
    longest = None if window is None else parsed_length(window)
    expected = asking.funnel(named(rows), steps, longest, strict=strict)
    assert [(step.visitors, step.median_time_s) for step in found] == expected
    assert [step.step for step in found] == steps


@given(tables_of_rows(most=9))
def test_a_filter_on_users_selects_all_they_did(rows: Rows) -> None:
    """As if there were nobody else."""
    clauses = [["is_not", "country", ["DE"]]]
    twin = named(rows)
    others = {
        kind: [row for row in some if kind == "rooms" or asking.holds(twin, f"fpp_{kind}", row, clauses)]
        for kind, some in rows.items()
        if kind != "votes"
    }
    steps = "page_view,estimation,return:7d"
    assert steps_of(rows, steps, clauses=clauses) == steps_of({**others, "votes": []}, steps)


def drawn(text: str) -> Rows:
    """Activities drawn one per line: `ann 09:05 HOME`, `ann 09:06 !` (an estimation), `bob 3d 10:00 *LEFT_ROOM`."""
    rows: Rows = {name: [] for name in NOTHING}
    for line in text.strip().splitlines():
        user, *when, what = line.split()
        instant = START + timedelta(days=int(when[0][:-1]) if len(when) > 1 else 0)
        hour, minute = map(int, when[-1].split(":"))
        instant += timedelta(hours=hour, minutes=minute)
        if what == "!":
            estimation = {"room_id": 1, "estimation": 5, "spectator": False}
            rows["estimations"].append({"user_id": user, **estimation, "estimated_at": instant})
        elif what.startswith("*"):
            rows["events"].append({"user_id": user, "event": what[1:], "event_at": instant})
        else:
            rows["page_views"].append(
                {"user_id": user, "room_id": None, "route": what, "source": None, "viewed_at": instant}
            )
    return rows


MORNING = drawn("""
    ann 09:00 HOME
    ann 09:05 ROOM
    ann 09:08 !
    bob 09:00 HOME
    bob 09:01 GUIDE
    bob 09:03 ROOM
    cem 09:00 HOME
    dan 09:00 ROOM
    dan 09:05 HOME
    """)


def told(steps: list[FunnelStep]) -> list[tuple[int, float, float, float | None]]:
    """The figures of each step."""
    return [(step.visitors, step.conversion_rate, step.drop_off_rate, step.median_time_s) for step in steps]


def test_who_gets_how_far() -> None:
    """All four look at HOME, then Ann after 5 and Bob after 3 minutes at ROOM; Ann estimates 3 minutes later."""
    assert told(steps_of(MORNING, "page_view:HOME,page_view:ROOM,estimation")) == [
        (4, 1.0, 0.0, None),
        (2, 0.5, 0.5, 240.0),
        (1, 0.25, 0.5, 180.0),
    ]


def test_strictly_nothing_comes_between() -> None:
    """Bob looked at the GUIDE in between."""
    assert [step.visitors for step in steps_of(MORNING, "page_view:HOME,page_view:ROOM", order="strict")] == [4, 1]


def test_events_come_between_too() -> None:
    """Even those that are not a step."""
    rows = drawn("ann 09:00 HOME\nann 09:01 *LEFT_ROOM\nann 09:02 ROOM")
    assert [step.visitors for step in steps_of(rows, "page_view:HOME,page_view:ROOM", order="strict")] == [1, 0]
    assert [step.visitors for step in steps_of(rows, "page_view,event:LEFT_ROOM,page_view", order="strict")] == [1] * 3


@pytest.mark.parametrize(("window", "visitors"), [("5m", [4, 2, 0]), ("8m", [4, 2, 1]), ("3m", [4, 1, 0])])
def test_the_window_counts_from_the_first_step(window: str, visitors: list[int]) -> None:
    """Ann's estimation comes 8 minutes after HOME, her ROOM 5, Bob's 3; the end is included."""
    found = steps_of(MORNING, "page_view:HOME,page_view:ROOM,estimation", window)
    assert [step.visitors for step in found] == visitors


def test_a_later_attempt_may_get_further() -> None:
    """The first HOME is an hour before ROOM, the second one a minute."""
    rows = drawn("ann 09:00 HOME\nann 10:00 HOME\nann 10:01 ROOM")
    assert told(steps_of(rows, "page_view:HOME,page_view:ROOM", "5m"))[1] == (1, 1.0, 0.0, 60.0)
    assert told(steps_of(rows, "page_view:HOME,page_view:ROOM", "1d"))[1] == (1, 1.0, 0.0, 3660.0)


@pytest.mark.parametrize(("steps", "returned"), [("estimation,return:1d", 0), ("estimation,return:2d", 1)])
def test_a_return_is_another_visit(steps: str, returned: int) -> None:
    """Ann estimates at 9:00 and 9:10, which is the same visit, and comes back after 36 hours."""
    rows = drawn("ann 09:00 !\nann 09:10 !\nann 1d 21:10 HOME")
    assert steps_of(rows, steps)[1].visitors == returned


def test_the_step_before_a_return_may_be_a_later_one() -> None:
    """24 hours and 5 minutes after the first estimation of her visit, but a day after the second: Ann returns."""
    rows = drawn("ann 09:00 HOME\nann 09:01 !\nann 09:06 !\nann 1d 09:06 GUIDE")
    assert told(steps_of(rows, "page_view:HOME,estimation,return:1d"))[1:] == [
        (1, 1.0, 0.0, 360.0),
        (1, 1.0, 0.0, 86400.0),
    ]


def test_a_later_beginning_may_be_returned_from() -> None:
    """Ann's second estimation is a day before her next visit, the first one is not."""
    rows = drawn("ann 09:00 !\nann 09:05 !\nann 1d 09:05 HOME")
    assert told(steps_of(rows, "estimation,return:1d"))[1] == (1, 1.0, 0.0, 86400.0)


def test_a_later_beginning_may_be_strictly_followed() -> None:
    """Ann looks at HOME again before she looks at ROOM."""
    rows = drawn("ann 09:00 HOME\nann 09:01 HOME\nann 09:02 ROOM")
    assert [step.visitors for step in steps_of(rows, "page_view:HOME,page_view:ROOM", order="strict")] == [1, 1]


def test_events_are_no_part_of_a_visit() -> None:
    """Twenty minutes lie between Ann's visits, with an event in the middle."""
    rows = drawn("ann 09:00 HOME\nann 09:10 *LEFT_ROOM\nann 09:20 HOME")
    assert [step.visitors for step in steps_of(rows, "event:LEFT_ROOM,return:1d")] == [1, 1]


def test_everybody_has_visits_of_their_own() -> None:
    """In either order of the users: both visits begin within minutes of the other user's event and visit."""
    rows = drawn("""
        ann 09:00 *LEFT_ROOM
        ann 09:05 HOME
        bob 09:00 *LEFT_ROOM
        bob 09:05 HOME
        """)
    assert [step.visitors for step in steps_of(rows, "event:LEFT_ROOM,return:1d")] == [2, 2]


def test_at_one_time_is_not_later() -> None:
    """A view and an estimation in the same second are no sequence."""
    rows = drawn("ann 09:00 HOME\nann 09:00 !")
    assert [step.visitors for step in steps_of(rows, "page_view,estimation")] == [1, 0]


@pytest.mark.parametrize("order", ["sequential", "strict"])
def test_nobody_gets_nowhere(order: Order) -> None:
    """Nor is anything divided by 0, in either order, with a return or without."""
    for steps in ("page_view,estimation", "page_view:HOME,page_view,return:1d"):
        found = told(steps_of(NOTHING, steps, None, order))
        assert set(found) == {(0, 0.0, 0.0, None)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("page_view", "2 to 9 steps"),
        (",".join(["page_view"] * 10), "2 to 9 steps"),
        ("return:7d,page_view", "first step can't be a return"),
        ("page_view,", "`` is not a step"),
        ("page_view:,estimation", "`page_view:` is not a step"),
        ("page_view,event", "`event` is not a step"),
        ("page_view,vote", "`vote` is not a step; allowed: page_view"),
        ("page_view,return", "is not a step"),
        ("page_view,return:7h", "is not a step"),
        ("page_view,return:0d", "is not a length"),
        ("page_view,return:9999d", "is not a length"),
    ],
)
def test_an_invalid_funnel_is_explained(text: str, reason: str) -> None:
    """Which step is wrong, and what is allowed."""
    with pytest.raises(ValueError, match=reason):
        parsed_steps(text)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5h", "7w", "0m", "99999d", "٣d"])
def test_an_invalid_length_is_explained(text: str) -> None:
    """Minutes, hours or days."""
    with pytest.raises(ValueError, match="is not a length"):
        parsed_length(text)
