"""The app's answers as types, for the OpenAPI schema."""

from pydantic import BaseModel, Field

from calculations.fpp.active_users import ActiveUsers
from calculations.fpp.historical import HistoricalDay
from calculations.fpp.lifecycle import LifecycleCounts
from calculations.fpp.reoccurring import ReoccurringDay
from calculations.fpp.rooms import Room, RoomActivity, RoomIdentity
from calculations.fpp.traffic import Visits
from calculations.fpp.visitors import BucketVisitors
from calculations.frames.arithmetic import NotAdditive
from web.questions.schemas import Bucket


class HistoricalBucket(ActiveUsers, BucketVisitors, Bucket, HistoricalDay, frozen=True):
    """Counts of one bucket, totals from the period's beginning to its end, and means of the last 30 rows."""

    acc_new_users: NotAdditive[int] = Field(ge=0, description="Users created since the period began.")
    acc_page_views: NotAdditive[int] = Field(ge=0, description="Page views since the period began.")
    acc_rooms: NotAdditive[int] = Field(ge=0, description="Rooms first used since the period began.")
    acc_estimations: NotAdditive[int] = Field(ge=0, description="Estimations since the period began.")
    acc_votes: NotAdditive[int] = Field(ge=0, description="Votes since the period began.")
    ma_new_users: NotAdditive[float | None] = Field(
        description="Users created per bucket, mean of the 30 rows up to it, from START_DATE on; null before."
    )
    ma_page_views: NotAdditive[float | None] = Field(
        description="Page views per bucket, mean of the 30 rows up to it, from START_DATE on; null before."
    )
    ma_rooms: NotAdditive[float | None] = Field(
        description="Rooms first used per bucket, mean of the 30 rows up to it, from START_DATE on; null before."
    )
    ma_estimations: NotAdditive[float | None] = Field(
        description="Estimations per bucket, mean of the 30 rows up to it, from START_DATE on; null before."
    )
    ma_votes: NotAdditive[float | None] = Field(
        description="Votes per bucket, mean of the 30 rows up to it, from START_DATE on; null before."
    )


class ReoccurringBucket(Bucket, ReoccurringDay, frozen=True):
    """Reoccurring users and rooms at the end of one bucket's last day."""


class LifecycleBucket(LifecycleCounts, Bucket, frozen=True):
    """New, returning, resurrecting and dormant users (rooms) of one bucket."""


class RoomBucket(RoomActivity, Bucket, frozen=True):
    """Votes of a room in one bucket."""


class TrafficRow(Visits, frozen=True):
    """Traffic of one combination of values; it has only the requested dimensions."""

    country: str = Field(description="Country code of the users.")
    region: str = Field(description="Region code of the users.")
    city: str = Field(description="City of the users.")
    device: str = Field(description="Device of the users.")
    os: str = Field(description="Operating system of the users.")
    browser: str = Field(description="Browser of the users.")
    route: str = Field(description="Route of the page views.")
    source: str = Field(description="Category of the source of the page views; `Direct` without one.")
    room: str = Field(description="Id of the room of the page views.")
    room_name: str = Field(description="Name of the room of the page views.")


class Labelled(BaseModel, frozen=True):
    """How often a label occurs."""

    name: str = Field(description="The label, or `unknown`.")
    count: int = Field(ge=0, description="How often it occurs: page views, events, votes or users, as the list says.")


class Place(Labelled, frozen=True):
    """Users of a region or city."""

    country: str = Field(description="Country code, or `unknown`.")


class LabelledUsers(BaseModel, frozen=True):
    """Users of one label."""

    name: str = Field(description="The label, or `unknown`.")
    count: int = Field(ge=0, description="Users created in the period.")


class RetainedRoom(RoomIdentity, frozen=True):
    """A room in a cell of the cohorts."""


class RoomInState(RoomIdentity, frozen=True):
    """A room in a lifecycle state."""


class BehaviourLists(BaseModel, frozen=True):
    """Counts per label, the largest first."""

    routes: list[Labelled] = Field(description="Page views per route.")
    events: list[Labelled] = Field(description="Events per kind of event.")
    sources: list[Labelled] = Field(description="Page views per category of source; direct traffic is left out.")
    rooms: list[Labelled] = Field(description="Votes per room; those of rooms that no longer exist are `unknown`.")


class LocationLists(BaseModel, frozen=True):
    """Users created in the period per label, the largest first."""

    device: list[Labelled] = Field(description="Users per device.")
    os: list[Labelled] = Field(description="Users per operating system.")
    browser: list[Labelled] = Field(description="Users per browser.")
    country: list[Labelled] = Field(description="Users per country code.")
    country_region: list[Place] = Field(description="Users per region code of a country.")
    country_city: list[Place] = Field(description="Users per city of a country.")


class Cell(BaseModel, frozen=True):
    """A cohort in a later interval."""

    interval: int = Field(ge=0, description="Intervals after the cohort's own, which is 0.")
    retained: NotAdditive[int | None] = Field(
        description="Users (rooms) active then; null until the interval has passed."
    )
    rate: NotAdditive[float | None] = Field(
        description="Share of the cohort (0 to 1); null like `retained`, and over nobody."
    )


class Cohort(Bucket, frozen=True):
    """Users (rooms) active in one interval, and how many of them are active later."""

    size: NotAdditive[int] = Field(ge=0, description="Users (rooms) in the cohort.")
    cells: list[Cell] = Field(description="One per interval, in order.")


class MeanCell(BaseModel, frozen=True):
    """All cohorts in a later interval."""

    interval: int = Field(ge=0, description="Intervals after the cohorts' own.")
    size: NotAdditive[int] = Field(ge=0, description="Users (rooms) in the cohorts whose interval has passed.")
    retained: NotAdditive[int] = Field(ge=0, description="How many of these users (rooms) were active then.")
    rate: NotAdditive[float | None] = Field(
        description="Mean share of the cohorts (0 to 1), weighted by size; null over nobody."
    )


class Cohorts(BaseModel, frozen=True):
    """Cohorts and their retention."""

    cohorts: list[Cohort] = Field(description="One per interval of the period, in order, those of size 0 included.")
    weighted_mean: list[MeanCell] = Field(description="One per interval, in order.")


class RoomOverTime(BaseModel, frozen=True):
    """A room's figures of the period and their series."""

    room: Room = Field(description="The figures of the whole period.")
    series: list[RoomBucket] = Field(description="One row per bucket, quiet ones included.")
