"""Where users are and what they use (metrics reference, location_and_user_agent)."""

import polars as pl
from pydantic import BaseModel, Field

from calculations.frames.arithmetic import TOP, as_map, counts
from calculations.frames.collecting import collect_all

# The lists and their labels.
LABELS = {
    "device": ("device",),
    "os": ("os",),
    "browser": ("browser",),
    "country": ("country",),
    "country_region": ("country", "region"),
    "country_city": ("country", "city"),
}
PLACES = ("country", "country_region", "country_city")


class CountryRegion(BaseModel, frozen=True):
    """Users of one region."""

    country: str = Field(description="Country code, or `unknown`.")
    region: str = Field(description="Region code, or `unknown`.")
    count: int = Field(ge=0, description="Users.")


class CountryCity(BaseModel, frozen=True):
    """Users of one city."""

    country: str = Field(description="Country code, or `unknown`.")
    city: str = Field(description="City, or `unknown`.")
    count: int = Field(ge=0, description="Users.")


class Location(BaseModel, frozen=True):
    """Users per label, over all users, each by count descending, then by label."""

    device: dict[str, int] = Field(description="Users per device.")
    os: dict[str, int] = Field(description="Users per operating system.")
    browser: dict[str, int] = Field(description="Users per browser.")
    country: dict[str, int] = Field(description="Users per country code, the 40 largest.")
    country_region: list[CountryRegion] = Field(description="Users per country and region, the 40 largest.")
    country_city: list[CountryCity] = Field(description="Users per country and city, the 40 largest.")


def location(users: pl.LazyFrame) -> Location:
    """Count users by device, system, browser and place."""
    lists = {name: users_per_label(users, name) for name in LABELS}
    cut = [frame.head(TOP) if name in PLACES else frame for name, frame in lists.items()]
    device, system, browser, country, region, city = collect_all(cut)
    return Location.model_validate(
        {
            "device": as_map(device),
            "os": as_map(system),
            "browser": as_map(browser),
            "country": as_map(country),
            "country_region": region.to_dicts(),
            "country_city": city.to_dicts(),
        }
    )


def users_per_label(users: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """One of the lists of `LABELS`: its labels (String) and `count` (UInt32)."""
    return counts(users, *LABELS[name])
