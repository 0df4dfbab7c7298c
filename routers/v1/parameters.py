"""The parameters of the app's own endpoints."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from calculations.fpp.attributes import ATTRIBUTES, BORNE, WHY, Kind
from calculations.fpp.funnel_steps import FORMS, MOST_STEPS, Step, parsed_length, parsed_steps
from calculations.frames.filters import EVERYTHING, Filter
from calculations.time.buckets import Granularity
from calculations.time.period import Period
from web.errors import InvalidParameterError
from web.questions.parameters import (
    ComparedParameters,
    Cut,
    CutByDays,
    Formatted,
    Listed,
    Meaning,
    OfPeriod,
    OnWeekdays,
    Order,
    Parameters,
    Searched,
    Weekly,
)
from web.questions.texts import FilterOn, Names, names_of
from web.validation import Integer

MOST_INTERVALS = 100
TIMES: Mapping[str, tuple[Kind, str]] = {
    "estimation": ("estimations", "estimated_at"),
    "page_view": ("page_views", "viewed_at"),
    "event": ("events", "event_at"),
    "vote": ("votes", "voted_at"),
}
FILTER = FilterOn(ATTRIBUTES)
EXAMPLE = '[["is","country",["DE","AT"]],["is_not","device",["mobile"]]]'


class Filtered(Parameters):
    """The filter on users and rows."""

    # The table whose rows each figure counts; they must have the attributes of the filter.
    counted: ClassVar[Mapping[str, Kind]] = {}

    filters: Annotated[str | None, FILTER] = Field(
        default=None,
        description="A JSON array of clauses that all hold: `[operator, attribute, [values]]`, "
        '`["and", [clauses]]`, `["or", [clauses]]` or `["not", clause]`. Operators: is, is_not, contains, '
        f"contains_not, matches, matches_not. Attributes: {', '.join(ATTRIBUTES)}.",
        examples=[EXAMPLE],
    )

    @property
    def filter(self) -> Filter:
        """The parsed `filters`."""
        return EVERYTHING if self.filters is None else FILTER.parsed(self.filters)

    def check(self) -> None:
        """Refuse attributes that the counted rows lack."""
        super().check()
        for figure, kind in self.asked_counts().items():
            check_borne("filters", self.filter.attributes(), figure, kind)

    def asked_counts(self) -> Mapping[str, Kind]:
        """The table counted for each requested figure."""
        return self.counted

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the filter as a list."""
        written = None if self.filters is None else self.filter.written()[1]
        return super().meant(meaning) | {"filters": written}


class WithMetrics(Filtered):
    """The choice of figures; a subclass declares `metrics: Annotated[str | None, Names(…)]`."""

    metrics: str | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The figures to compute, in their own order."""
        names = names_of(self.metrics)
        return tuple(name for name in self.counted if self.metrics is None or name in names)

    def asked_counts(self) -> Mapping[str, Kind]:
        """For the chosen figures."""
        return {name: self.counted[name] for name in self.chosen}

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the chosen figures as a list."""
        return super().meant(meaning) | {"metrics": None if self.metrics is None else list(self.chosen)}


def check_borne(parameter: str, attributes: Iterable[str], figure: str, kind: Kind) -> None:
    """Refuse attributes that the rows of a figure lack.

    Raises:
        InvalidParameterError: The message names the figure, the attribute and the reason.
    """
    for attribute in attributes:
        if attribute not in BORNE[kind]:
            message = (
                f"`{parameter}` names `{attribute}`, which `{figure}` can't be told by: it counts "
                f"{kind.replace('_', ' ')}, and {WHY[kind]}; allowed: {', '.join(BORNE[kind])}."
            )
            raise InvalidParameterError(parameter, message, BORNE[kind])


def metrics_field() -> Any:
    """The field `metrics`."""
    return Field(default=None, description="The figures to compute, separated by commas; all by default.")


VISITS: Mapping[str, Kind] = dict.fromkeys(
    ("visitors", "visits", "page_views", "views_per_visit", "bounce_rate", "visit_duration"), "page_views"
)
VOTES: Mapping[str, Kind] = {
    **dict.fromkeys(
        (
            "total_votes",
            "total_estimations",
            "avg_estimations_per_vote",
            "avg_spectators_per_vote",
            "avg_duration_per_vote",
            "avg_duration_per_vote_s",
            "avg_estimation",
            "avg_min_estimation",
            "avg_max_estimation",
            "weekday_counts",
        ),
        "votes",
    ),
    "estimation_counts": "estimations",
}
BEHAVIOUR: Mapping[str, Kind] = {"routes": "page_views", "events": "events", "sources": "page_views", "rooms": "votes"}
LOCATION: Mapping[str, Kind] = dict.fromkeys(
    ("device", "os", "browser", "country", "country_region", "country_city"), "users"
)
BASE_SERIES: Mapping[str, Kind] = {
    "new_users": "users",
    "page_views": "page_views",
    "rooms": "rooms",
    "estimations": "estimations",
    "votes": "votes",
}
HISTORICAL: Mapping[str, Kind] = {
    **BASE_SERIES,
    **{f"acc_{name}": kind for name, kind in BASE_SERIES.items()},
    **{f"ma_{name}": kind for name, kind in BASE_SERIES.items()},
    **dict.fromkeys(("visitors", "visits", "bounce_rate"), "page_views"),
    **dict.fromkeys(("dau", "wau", "mau", "stickiness"), "estimations"),
}
REOCCURRING: Mapping[str, Kind] = dict.fromkeys(
    ("reoccurring_users", "reoccurring_rooms", "adjusted_reoccurring_users", "adjusted_reoccurring_rooms"),
    "estimations",
)
ROOM: Mapping[str, Kind] = dict.fromkeys(
    (
        "votes",
        "duration",
        "estimations",
        "estimations_per_vote",
        "avg_min_estimation",
        "avg_avg_estimation",
        "avg_max_estimation",
        "spectators",
        "spectators_per_vote",
    ),
    "votes",
)
ROOM_KEYS = ("id", "name", "first_used_at", "last_used_at")
RHYTHM: Mapping[str, Kind] = {"page_views": "page_views", "visitors": "page_views", "votes": "votes"}
DISTRIBUTIONS: Mapping[str, Kind] = {
    "visit_duration": "page_views",
    "views_per_visit": "page_views",
    "vote_duration": "votes",
    "estimations_per_vote": "votes",
}


class TrafficParameters(ComparedParameters, Listed, WithMetrics, Formatted):
    """Traffic, or traffic per value of one or two attributes."""

    counted = VISITS

    metrics: Annotated[str | None, Names(tuple(VISITS))] = metrics_field()
    order_by: Order | None = Listed.sorted_by("the dimensions", *VISITS)
    dimensions: Annotated[str | None, Names(BORNE["page_views"], most=2)] = Field(
        default=None,
        description="One or two attributes, separated by a comma: `data` is then a list with a row per combination of "
        "their values, those with the most visitors first; `limit`, `offset` and `order_by` apply to that list.",
        examples=["source", "country,device"],
    )

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """The attributes."""
        return tuple(names_of(self.dimensions))

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the dimensions as a list."""
        return super().meant(meaning) | {"dimensions": list(self.dimension_names) or None}


class VotesParameters(ComparedParameters, WithMetrics, Formatted):
    """Figures of votes."""

    counted = VOTES

    metrics: Annotated[str | None, Names(tuple(VOTES))] = metrics_field()


class BehaviourParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """Lists of what users do; `limit`, `offset`, `order_by` and `search` apply to each of them."""

    counted = BEHAVIOUR

    order_by: Order | None = Listed.sorted_by("name", "count")
    metrics: Annotated[str | None, Names(tuple(BEHAVIOUR))] = metrics_field()


class LocationParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """Lists of where users are; `limit`, `offset`, `order_by` and `search` apply to each of them."""

    counted = LOCATION

    order_by: Order | None = Listed.sorted_by("country", "name", "count")
    metrics: Annotated[str | None, Names(tuple(LOCATION))] = metrics_field()


class ListParameters(ComparedParameters, Listed, Searched, Filtered, Formatted):
    """One list."""

    order_by: Order | None = Listed.sorted_by("name", "count")


class PlacesParameters(ListParameters):
    """One list of users."""

    order_by: Order | None = Listed.sorted_by("country", "name", "count")


class HistoricalParameters(ComparedParameters, Cut, OnWeekdays, WithMetrics, Formatted):
    """The series of counts."""

    counted = HISTORICAL

    metrics: Annotated[str | None, Names(tuple(HISTORICAL))] = metrics_field()


class ReoccurringParameters(ComparedParameters, CutByDays, OnWeekdays, WithMetrics, Formatted):
    """The series of reoccurring users and rooms."""

    counted = REOCCURRING

    metrics: Annotated[str | None, Names(tuple(REOCCURRING))] = metrics_field()


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
        default=11, ge=1, le=MOST_INTERVALS, description="Intervals per cohort, the first one (0) included."
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
    interval: Integer = Field(ge=0, lt=MOST_INTERVALS, description="Intervals after the cohort's own, which is 0.")


class LifecycleRoomsParameters(OfPeriod, Cut, OfRooms, Formatted):
    """The state and bucket of the lifecycle."""

    has_whole_buckets: ClassVar[bool] = True

    start: Moment = Field(description=MOMENT, examples=["2026-03-02"])
    state: Literal["new", "returning", "resurrecting", "dormant"] = Field(description="The lifecycle state.")


class RoomsParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """The rooms with votes."""

    counted = ROOM

    order_by: Order | None = Listed.sorted_by(*ROOM_KEYS, *ROOM)
    metrics: Annotated[str | None, Names(tuple(ROOM))] = metrics_field()


class RoomParameters(ComparedParameters, Cut, OnWeekdays, Filtered, Formatted):
    """One room over time."""

    counted: ClassVar[Mapping[str, Kind]] = {"votes": "votes"}


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


class DistributionParameters(OfPeriod, Filtered, Formatted):
    """A distribution."""

    of: Literal["visit_duration", "vote_duration", "estimations_per_vote", "views_per_visit"] = Field(
        description="The measure: durations in seconds, or counts."
    )

    def asked_counts(self) -> Mapping[str, Kind]:
        """Visits or votes."""
        return {self.of: DISTRIBUTIONS[self.of]}


class RhythmParameters(ComparedParameters, WithMetrics, Formatted):
    """Every hour of every weekday."""

    counted = RHYTHM

    metrics: Annotated[str | None, Names(tuple(RHYTHM))] = metrics_field()
