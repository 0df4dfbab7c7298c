"""Where users come from and what they use, worked by hand."""

import pytest

from calculations.fpp.location import CountryCity, CountryRegion, Location, location
from read_model.tables.fpp import USERS
from tests.rows import rows

FORTY_ONE = [f"place {number:02}" for number in range(41)]


def drawing(*lines: str) -> str:
    """Lines as one drawing."""
    return "\n".join(lines)


def test_no_users_have_no_places() -> None:
    """All maps and lists are empty."""
    assert location(rows(USERS)) == Location(
        device={}, os={}, browser={}, country={}, country_region=[], country_city=[]
    )


def test_users_are_counted_by_each_label() -> None:
    """Three users: two phones, two with Android, all with Firefox, two from Germany."""
    result = location(
        rows(
            USERS,
            """
            device  | os      | browser | country
            mobile  | Android | Firefox | DE
            desktop | Linux   | Firefox | DE
            mobile  | Android | Firefox | AT
            """,
        )
    )
    assert list(result.device.items()) == [("mobile", 2), ("desktop", 1)]
    assert list(result.os.items()) == [("Android", 2), ("Linux", 1)]
    assert list(result.browser.items()) == [("Firefox", 3)]
    assert list(result.country.items()) == [("DE", 2), ("AT", 1)]


def test_users_of_any_time_count() -> None:
    """Before any START_DATE, at midnight, on a Sunday and at an unknown time: four users."""
    result = location(
        rows(
            USERS,
            """
            country | created_at
            DE      | 2001-01-01 09:00
            DE      | 2026-03-02 00:00
            DE      | 2026-03-08 09:00
            DE      | null
            """,
        )
    )
    assert result.country == {"DE": 4}


@pytest.mark.parametrize("column", ["device", "os", "browser", "country"])
def test_ties_are_ordered_by_name_and_null_is_unknown(column: str) -> None:
    """Two unknown first, then b, y and z once each, by name."""
    result = location(rows(USERS, drawing(f"{column} | created_at", "z | -", "null | -", "b | -", "null | -", "y | -")))
    assert list(getattr(result, column).items()) == [("unknown", 2), ("b", 1), ("y", 1), ("z", 1)]


def test_a_tie_with_unknown_is_ordered_by_that_word() -> None:
    """`unknown` stands between Samsung and vivo, however a null itself would sort."""
    result = location(
        rows(
            USERS,
            """
            device  | os
            vivo    | -
            null    | -
            Samsung | -
            """,
        )
    )
    assert list(result.device) == ["Samsung", "unknown", "vivo"]


def test_non_ascii_names_are_kept_and_ordered_by_code_point() -> None:
    """One user each: Zürich before Ávila before Österreich before 東京."""
    result = location(
        rows(
            USERS,
            """
            country | city
            XX      | 東京
            XX      | Österreich
            XX      | Zürich
            XX      | Ávila
            """,
        )
    )
    assert [place.city for place in result.country_city] == ["Zürich", "Ávila", "Österreich", "東京"]


def test_regions_and_cities_are_counted_with_their_country() -> None:
    """Two users in Bern of BE in Switzerland, one in Bern, Indiana: two places named Bern, two regions named BE."""
    result = location(
        rows(
            USERS,
            """
            country | region | city
            CH      | BE     | Bern
            US      | IN     | Bern
            CH      | BE     | Bern
            DE      | BE     | Berlin
            """,
        )
    )
    assert result.country_region == [
        CountryRegion(country="CH", region="BE", count=2),
        CountryRegion(country="DE", region="BE", count=1),
        CountryRegion(country="US", region="IN", count=1),
    ]
    assert result.country_city == [
        CountryCity(country="CH", city="Bern", count=2),
        CountryCity(country="DE", city="Berlin", count=1),
        CountryCity(country="US", city="Bern", count=1),
    ]


def test_places_with_equal_counts_are_ordered_by_both_labels() -> None:
    """By country first, then by region."""
    result = location(
        rows(
            USERS,
            """
            country | region
            DE      | NW
            AT      | W
            DE      | BY
            AT      | NÖ
            """,
        )
    )
    assert [(place.country, place.region) for place in result.country_region] == [
        ("AT", "NÖ"),
        ("AT", "W"),
        ("DE", "BY"),
        ("DE", "NW"),
    ]


def test_a_missing_part_of_a_place_is_unknown() -> None:
    """Country, city, both or none are known: four places."""
    result = location(
        rows(
            USERS,
            """
            country | city
            DE      | Köln
            DE      | null
            null    | Köln
            null    | null
            """,
        )
    )
    assert [(place.country, place.city, place.count) for place in result.country_city] == [
        ("DE", "Köln", 1),
        ("DE", "unknown", 1),
        ("unknown", "Köln", 1),
        ("unknown", "unknown", 1),
    ]


def test_of_41_equal_places_the_last_name_is_cut() -> None:
    """One user in each of 41 countries, then regions, then cities, drawn backwards: the first 40 names remain."""
    countries = location(rows(USERS, drawing("country | device", *(f"{name} | -" for name in reversed(FORTY_ONE)))))
    regions = location(rows(USERS, drawing("country | region", *(f"DE | {name}" for name in reversed(FORTY_ONE)))))
    cities = location(rows(USERS, drawing("country | city", *(f"DE | {name}" for name in reversed(FORTY_ONE)))))
    assert list(countries.country.items()) == [(name, 1) for name in FORTY_ONE[:40]]
    assert [(place.region, place.count) for place in regions.country_region] == [(name, 1) for name in FORTY_ONE[:40]]
    assert [(place.city, place.count) for place in cities.country_city] == [(name, 1) for name in FORTY_ONE[:40]]


def test_devices_systems_and_browsers_are_not_cut() -> None:
    """41 of each, all there."""
    result = location(rows(USERS, drawing("device|os|browser", *(f"{name}|{name}|{name}" for name in FORTY_ONE))))
    assert (len(result.device), len(result.os), len(result.browser)) == (41, 41, 41)
