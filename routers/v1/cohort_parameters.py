"""The parameters of lifecycle, retention and funnels, which follow users or rooms."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from calculations.fpp.attributes import Kind
from calculations.fpp.funnel_steps import FORMS, MOST_STEPS, Step, parsed_length, parsed_steps
from calculations.time.buckets import Granularity
from calculations.time.period import Period
from routers.v1.parameters import ROOM_KEYS, Filtered
from web.errors import InvalidParameterError
from web.questions.parameters import ComparedParameters, Cut, Formatted, Listed, OfPeriod, Order, Searched, Weekly
from web.validation import Integer

MOST_INTERVALS = 100
TIMES: Mapping[str, tuple[Kind, str]] = {
    "estimation": ("estimations", "estimated_at"),
    "page_view": ("page_views", "viewed_at"),
    "event": ("events", "event_at"),
    "vote": ("votes", "voted_at"),
}


class OfActivity(Filtered):
    """What makes a user or room active."""

    activity: Literal["estimation", "page_view", "event", "vote"] = Field(
        default="estimation",
        description="What makes a user (room) active. Users have no votes, rooms no events.",
    )

    @property
    def followed(self) -> Literal["user", "room"]:
        """Whether users or rooms are followed."""
        return "room"

    @property
    def table(self) -> tuple[Kind, str]:
        """The table of the activity, and the column of its time."""
        return TIMES[self.activity]

    def check(self) -> None:
        """Refuse an activity that has no user (room)."""
        super().check()
        if (self.followed, self.activity) in (("user", "vote"), ("room", "event")):
            why = "a vote has no user" if self.activity == "vote" else "an event has no room"
            allowed = [name for name in TIMES if name != self.activity]
            message = f"`activity` is `{self.activity}`, but a {self.followed} is followed: {why}."
            raise InvalidParameterError("activity", message, allowed)

    def asked_counts(self) -> Mapping[str, Kind]:
        """The rows of the activity."""
        return {self.activity: self.table[0]}


class OfEntity(OfActivity):
    """Whether users or rooms are followed."""

    entity: Literal["user", "room"] = Field(default="user", description="Who is followed: users or rooms.")

    @property
    def followed(self) -> Literal["user", "room"]:
        """As `entity` says."""
        return self.entity


class LifecycleParameters(ComparedParameters, Cut, OfEntity, Formatted):
    """The lifecycle of users or rooms."""

    has_whole_buckets: ClassVar[bool] = True


class OfCohorts(OfPeriod, Weekly, Formatted):
    """The cohorts: their length, number of intervals and members."""

    has_whole_buckets: ClassVar[bool] = True
    cut_by: ClassVar[str | None] = "period"

    period: Literal["day", "week", "month"] = Field(default="week", description="Length of a cohort and an interval.")
    total_intervals: Integer = Field(
        default=11,
        ge=1,
        le=MOST_INTERVALS,
        description="Intervals per cohort, the first one (0) included.",
        examples=[11],
    )
    retention_type: Literal["first_time", "recurring"] = Field(
        default="first_time",
        description="`first_time`: who is active for the first time ever; "
        "`recurring`: everyone active in the interval.",
    )
    cumulative: bool = Field(
        default=False, description="Count who is active in an interval or any later one, not only in that interval."
    )

    def bucket_length(self, _period: Period) -> Granularity:
        """The length of a cohort."""
        return self.period

    @property
    def cells_per_bucket(self) -> int:
        """One per interval."""
        return self.total_intervals


class RetentionParameters(OfEntity, OfCohorts):
    """Cohorts of users or rooms."""


class OfRooms(OfActivity, Listed, Searched):
    """The rooms of a cell."""

    order_by: Order | None = Listed.sorted_by(*ROOM_KEYS)
    entity: Literal["room"] = Field(default="room", description="Rooms; the users of a cell are not disclosed.")


Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "moment"})]
MOMENT = "The bucket that contains this local date, or this instant with its offset."


class RetentionRoomsParameters(OfRooms, OfCohorts):  # type: ignore[misc] # their constructors differ, but are never called
    """The cell of a cohort."""

    cohort: str = Field(
        description=f"The cohort. {MOMENT}", examples=["2026-03-02"], json_schema_extra={"format": "moment"}
    )
    interval: Integer = Field(
        ge=0, lt=MOST_INTERVALS, description="Intervals after the cohort's own, which is 0.", examples=[1]
    )


class LifecycleRoomsParameters(OfPeriod, Cut, OfRooms, Formatted):
    """The state and bucket of the lifecycle."""

    has_whole_buckets: ClassVar[bool] = True

    start: Moment = Field(description=MOMENT, examples=["2026-03-02"])
    state: Literal["new", "returning", "resurrecting", "dormant"] = Field(description="The lifecycle state.")


def _steps(text: str) -> str:
    parsed_steps(text)
    return text


def _window(text: str) -> str:
    parsed_length(text)
    return text


_FIRST_STEP = r"(page_view(:[A-Z_]+)?|event:[A-Z_]+|estimation)"
_STEP = rf"({_FIRST_STEP}|return:[1-9][0-9]{{0,2}}d)"


class FunnelParameters(OfPeriod, Filtered, Formatted):
    """A funnel."""

    steps: Annotated[
        str,
        AfterValidator(_steps),
        WithJsonSchema({"type": "string", "pattern": f"^{_FIRST_STEP}(,{_STEP}){{1,{MOST_STEPS - 1}}}$"}),
    ] = Field(
        description=f"2 to {MOST_STEPS} steps in order, separated by commas: {FORMS}. A return is another visit "
        "that begins at most N days after the previous step.",
        examples=["page_view:HOME,page_view:ROOM,estimation,return:7d"],
    )
    window: (
        Annotated[
            str,
            AfterValidator(_window),
            WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,2}[mhd]$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="Maximum time from the first to the last step, in minutes, hours or days; by default, any "
        "time in the period.",
        examples=["30m", "12h", "7d"],
    )
    order: Literal["sequential", "strict"] = Field(
        default="sequential",
        description="`sequential`: a step is any later activity; `strict`: it is the user's very next activity.",
    )

    @property
    def parsed(self) -> list[Step]:
        """The parsed `steps`."""
        return parsed_steps(self.steps)

    @property
    def longest(self) -> timedelta | None:
        """The parsed `window`."""
        return None if self.window is None else parsed_length(self.window)

    def asked_counts(self) -> Mapping[str, Kind]:
        """The tables whose rows can be steps."""
        return {
            str(step): "page_views" if step.activity == "return" else TIMES[step.activity][0] for step in self.parsed
        }
