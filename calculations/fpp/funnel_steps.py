"""The steps of a funnel and their notation."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

type Activity = Literal["page_view", "event", "estimation", "return"]

MOST_STEPS = 9
LENGTHS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=3660)
FORMS = "page_view, page_view:ROUTE, event:KIND, estimation, return:Nd"


@dataclass(frozen=True)
class Step:
    """One step of a funnel.

    Attributes:
        activity: The kind of activity.
        value: The route of a page view, the kind of an event; None for any.
        within: For a return, the maximum time from the previous step to the start of the visit.
    """

    activity: Activity
    value: str | None = None
    within: timedelta | None = None

    def __str__(self) -> str:
        value = self.value if self.within is None else f"{self.within.days}d"
        return self.activity if value is None else f"{self.activity}:{value}"


def parsed_steps(text: str) -> list[Step]:
    """The steps of a text such as `page_view:HOME,estimation,return:7d`.

    Raises:
        ValueError: It has another form, fewer than two or more than `MOST_STEPS` steps, or begins with a return.
    """
    steps = [_parsed_step(part.strip()) for part in text.split(",")]
    if not 2 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"a funnel has 2 to {MOST_STEPS} steps")
    if steps[0].activity == "return":
        raise ValueError("the first step can't be a return: there is nothing to return after")
    return steps


def parsed_length(text: str) -> timedelta:
    """A length such as `30m`, `12h` or `7d`.

    Raises:
        ValueError: It has another form, is 0 or longer than ten years.
    """
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    length = timedelta() if found is None else int(found[1]) * LENGTHS[found[2]]
    if not timedelta() < length <= LONGEST:
        raise ValueError(f"`{text}` is not a length: write up to ten years with m, h or d, such as 30m, 12h or 7d")
    return length


def _parsed_step(text: str) -> Step:
    activity, colon, value = text.partition(":")
    match activity, bool(colon), bool(value):
        case (("page_view" | "estimation"), False, False):
            return Step("page_view" if activity == "page_view" else "estimation")
        case "page_view", True, True:
            return Step("page_view", value)
        case "event", True, True:
            return Step("event", value)
        case "return", True, True if value.endswith("d"):
            return Step("return", within=parsed_length(value))
    raise ValueError(f"`{text}` is not a step; allowed: {FORMS}")
