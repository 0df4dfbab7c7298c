"""The API over the tables all share, over a test's own, and over those Hypothesis draws."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.processes import TOKEN
from tests.routers.v1.api import DRAWN, NOW, START, Api, Drawn, publish
from tests.routers.v1.held import HeldApi


@pytest.fixture(scope="session", name="drawn_dir")
def published_drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which `DRAWN` is published, which no test changes."""
    data_dir = tmp_path_factory.mktemp("drawn")
    publish(data_dir, DRAWN)
    return data_dir


@pytest.fixture(scope="session")
def drawn_api(drawn_dir: Path) -> Iterator[Api]:
    """One app over `DRAWN`: creating one takes longer than a request."""
    api = Api(drawn_dir)
    with api.in_one_loop():
        yield api


@pytest.fixture
def api(drawn_api: Api) -> Api:
    """The API over `DRAWN`, on Thursday 5 March 2026 at 12:30, asked with the token."""
    drawn_api.now, drawn_api.token = NOW, TOKEN
    return drawn_api


@pytest.fixture
def api_over(tmp_path: Path) -> Callable[..., Api]:
    """Make the API over other tables."""

    def over(drawn: Drawn, now: datetime = NOW, published: datetime | None = None, start_date: date = START) -> Api:
        publish(tmp_path, drawn, published or now)
        return Api(tmp_path, now, start_date)

    return over


@pytest.fixture(scope="session", name="held")
def held_api() -> Iterator[HeldApi]:
    """One app for all tables that Hypothesis draws."""
    api = HeldApi(Path("nowhere"))
    with api.in_one_loop():
        yield api
