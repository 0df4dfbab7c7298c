"""The parameters of the app's own endpoints, without those of `cohort_parameters`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from calculations.fpp.attributes import ATTRIBUTES, BORNE, WHY, Kind
from calculations.frames.filters import EVERYTHING, Filter
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
)
from web.questions.texts import FilterOn, Names, names_of

FILTER = FilterOn(ATTRIBUTES)
ON_USERS = '[["is","country",["DE","AT"]],["is_not","device",["mobile"]]]'
ON_ROOMS = '[["contains","room_name",["team"]]]'


def filters_field(example: str = ON_USERS) -> Any:
    """The field `filters`."""
    return Field(
        default=None,
        description="A JSON array of clauses that all hold: `[operator, attribute, [values]]`, "
        '`["and", [clauses]]`, `["or", [clauses]]` or `["not", clause]`. Operators: is, is_not, contains, '
        f"contains_not, matches, matches_not. Attributes: {', '.join(ATTRIBUTES)}.",
        examples=[example],
    )


class Filtered(Parameters):
    """The filter on users and rows."""

    # The table whose rows each figure counts; they must have the attributes of the filter.
    counted: ClassVar[Mapping[str, Kind]] = {}

    filters: Annotated[str | None, FILTER] = filters_field()

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
                f"`{parameter}` names `{attribute}`, which does not apply to `{figure}`: it counts "
                f"{kind.replace('_', ' ')}, and {WHY[kind]}; allowed: {', '.join(BORNE[kind])}."
            )
            raise InvalidParameterError(parameter, message, BORNE[kind])


def metrics_field(example: str) -> Any:
    """The field `metrics`."""
    return Field(
        default=None, description="The figures to compute, separated by commas; all by default.", examples=[example]
    )


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

    metrics: Annotated[str | None, Names(tuple(VISITS))] = metrics_field("visitors,bounce_rate")
    order_by: Order | None = Listed.sorted_by(*BORNE["page_views"], *VISITS)
    dimensions: Annotated[str | None, Names(BORNE["page_views"], most=2)] = Field(
        default=None,
        description="One or two attributes, separated by a comma: `data` is then a list with a row per combination of "
        "their values, those with the most visitors first; `limit`, `offset` and `order_by` are only for that list.",
        examples=["source", "country,device"],
    )

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """The attributes."""
        return tuple(names_of(self.dimensions))

    def check(self) -> None:
        """Refuse parameters of a list where there is none: most likely, `dimensions` is missing."""
        super().check()
        if self.dimensions is None:
            for name, field in Listed.model_fields.items():
                if getattr(self, name) != field.default:
                    raise InvalidParameterError(name, f"`{name}` is for the rows of a breakdown; add `dimensions`.")

    def meant(self, meaning: Meaning) -> dict[str, object]:
        """With the dimensions as a list."""
        return super().meant(meaning) | {"dimensions": list(self.dimension_names) or None}


class VotesParameters(ComparedParameters, WithMetrics, Formatted):
    """Figures of votes."""

    counted = VOTES

    filters: Annotated[str | None, FILTER] = filters_field(ON_ROOMS)
    metrics: Annotated[str | None, Names(tuple(VOTES))] = metrics_field("total_votes,avg_duration_per_vote_s")


class BehaviourParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """Lists of what users do; `limit`, `offset`, `order_by` and `search` apply to each of them."""

    counted = BEHAVIOUR

    order_by: Order | None = Listed.sorted_by("name", "count")
    metrics: Annotated[str | None, Names(tuple(BEHAVIOUR))] = metrics_field("routes,sources")


class LocationParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """Lists of where users are; `limit`, `offset`, `order_by` and `search` apply to each of them."""

    counted = LOCATION

    order_by: Order | None = Listed.sorted_by("country", "name", "count")
    metrics: Annotated[str | None, Names(tuple(LOCATION))] = metrics_field("country,device")


class ListParameters(ComparedParameters, Listed, Searched, Filtered, Formatted):
    """One list."""

    order_by: Order | None = Listed.sorted_by("name", "count")


class PlacesParameters(ListParameters):
    """One list of users."""

    order_by: Order | None = Listed.sorted_by("country", "name", "count")


class HistoricalParameters(ComparedParameters, Cut, OnWeekdays, WithMetrics, Formatted):
    """The series of counts."""

    counted = HISTORICAL

    metrics: Annotated[str | None, Names(tuple(HISTORICAL))] = metrics_field("visitors,ma_page_views")


class ReoccurringParameters(ComparedParameters, CutByDays, OnWeekdays, WithMetrics, Formatted):
    """The series of reoccurring users and rooms."""

    counted = REOCCURRING

    metrics: Annotated[str | None, Names(tuple(REOCCURRING))] = metrics_field("reoccurring_users")

    def is_cheap(self, _period: Period, _comparison: Period | None) -> bool:
        """Never: to know who returns, even in a short period, takes all earlier rows."""
        return False


class RoomsParameters(ComparedParameters, Listed, Searched, WithMetrics, Formatted):
    """The rooms with votes."""

    counted = ROOM

    filters: Annotated[str | None, FILTER] = filters_field(ON_ROOMS)
    order_by: Order | None = Listed.sorted_by(*ROOM_KEYS, *ROOM)
    metrics: Annotated[str | None, Names(tuple(ROOM))] = metrics_field("votes,duration")


class RoomParameters(ComparedParameters, Cut, OnWeekdays, Filtered, Formatted):
    """One room over time."""

    counted: ClassVar[Mapping[str, Kind]] = {"votes": "votes"}

    filters: Annotated[str | None, FILTER] = filters_field(ON_ROOMS)


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

    filters: Annotated[str | None, FILTER] = filters_field(ON_ROOMS)
    metrics: Annotated[str | None, Names(tuple(RHYTHM))] = metrics_field("page_views")
