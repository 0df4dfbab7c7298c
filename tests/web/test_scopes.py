"""Scopes: every route declares one, callers without it are refused, callers with different rights share no answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config import ServerSettings
from server import create_app
from tests.processes import TOKEN
from tests.web.tokens import token_lines, with_token, written
from web.callers import get_caller, requires

# What needs no token: health checks, what Prometheus scrapes, the description of the
# API, and the page of the dashboard, which holds no data.
OPEN = {
    "/analytics/v1/status/healthz",
    "/analytics/v1/status/readyz",
    "/metrics",
    "/health",
    "/docs",
    "/openapi.json",
    "/docs/parts",
    "/dashboard",
}
# What needs a token, but no scope.
FOR_EVERY_CALLER = {"/v1/me"}


def declared_scopes(dependant: Dependant) -> set[str]:
    """The scopes a route requires, by any of its dependencies."""
    inner = [scope for dependency in dependant.dependencies for scope in declared_scopes(dependency)]
    return {*(dependant.own_oauth_scopes or []), *inner}


def asks_for_caller(dependant: Dependant) -> bool:
    return dependant.call is get_caller or any(map(asks_for_caller, dependant.dependencies))


def is_guarded(route: RouteContext) -> bool:
    """Whether a route requires a token, and a scope where not every token will do."""
    dependant: Dependant | None = getattr(route, "dependant", None)
    if dependant is None or not asks_for_caller(dependant):
        return False
    return bool(declared_scopes(dependant)) or route.path in FOR_EVERY_CALLER


def unguarded(app: FastAPI) -> set[str | None]:
    """The paths that are not guarded."""
    return {route.path for route in iter_route_contexts(app.routes) if not is_guarded(route)}


@pytest.fixture
def app() -> FastAPI:
    return create_app(ServerSettings(analytics_secret_token=SecretStr(TOKEN)))


def test_every_route_declares_a_scope(app: FastAPI) -> None:
    assert unguarded(app) == OPEN


def test_a_route_without_a_scope_is_found(app: FastAPI) -> None:
    """Otherwise the test above would find nothing, whatever there is."""
    app.get("/bare")(lambda: None)
    app.get("/any-token", dependencies=[requires()])(lambda: None)
    app.get("/guarded", dependencies=[requires("fpp:read")])(lambda: None)
    assert unguarded(app) == OPEN | {"/bare", "/any-token"}


@pytest.fixture
def client(in_process: Callable[..., TestClient], tmp_path: Path) -> TestClient:
    """A server that knows four further tokens: `reader`, `other`, `twin` and `narrow`."""
    path = written(
        tmp_path / "tokens.toml",
        token_lines("reader", "reader", ["fpp:read"], orgs=["a"]),
        token_lines("other", "other", ["fpp:read"], orgs=["b"]),
        token_lines("twin", "twin", ["fpp:read"], orgs=["a"]),
        token_lines("narrow", "narrow", ["llm:read"], orgs=["*"]),
    )
    return in_process(tokens_file=path)


@pytest.mark.parametrize("path", ["/", "/daily-analytics", "/room/1/stats", "/v1/traffic", "/v1/snapshot"])
def test_a_token_without_the_scope_is_403(client: TestClient, path: str) -> None:
    """The problem names the token and the scope, but a stranger is still 401."""
    answer = client.get(path, headers=with_token("narrow"))
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "`narrow` lacks the scope `fpp:read`" in answer.json()["detail"]
    assert client.get(path, headers=with_token("reader")).status_code == 200
    assert client.get(path, headers=with_token("stranger")).status_code == 401


def test_the_scope_is_checked_before_anything_else(client: TestClient) -> None:
    """A caller without it does not learn what else is wrong with the request."""
    assert client.get("/room/0/stats", headers=with_token("narrow")).status_code == 403


@pytest.mark.parametrize("path", ["/", "/v1/traffic"])
def test_only_callers_of_equal_rights_have_equal_tags(client: TestClient, path: str) -> None:
    """The tag is what a cached answer, and an answer being computed, is known by."""
    tags = {token: client.get(path, headers=with_token(token)).headers["etag"] for token in ("reader", "other", "twin")}
    assert tags["reader"] == tags["twin"] != tags["other"]
    unchanged = with_token("other") | {"If-None-Match": tags["reader"]}
    assert client.get(path, headers=unchanged).status_code == 200
