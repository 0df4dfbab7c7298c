"""`GET /daily-analytics` posts its figures to the e-mail service, and reports it if that fails."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.processes import PATIENCE_S, RecordingService, Server, serving, until
from tests.served import Sample
from tests.web.problems import problem

PATH = "/daily-analytics"


@pytest.fixture
def patient(sampled: Sample, mail: RecordingService) -> Iterator[Server]:
    """A server that waits for the e-mail service longer than any test."""
    variables: dict[str, Any] = {"BEA_BASE_URL": mail.url, "BEA_SECRET_KEY": "mail-key"}
    with serving(sampled.data_dir, **variables) as started:
        yield started


def taken(mail: RecordingService) -> list[dict[str, int]]:
    """The figures the e-mail service got."""
    return [json.loads(request.body) for request in mail.received]


@pytest.mark.server
def test_the_returned_object_is_posted_once(production: Server, mail: RecordingService) -> None:
    """As JSON, to the service's path, with its bearer token."""
    answer = production.get(PATH)
    assert answer.status_code == 200
    assert taken(mail) == [answer.json()]
    request = mail.received[0]
    assert (request.method, request.path) == ("POST", "/fpp-daily-analytics")
    assert request.headers["authorization"] == "Bearer mail-key"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.server
def test_a_look_at_the_headers_posts_nothing(production: Server, mail: RecordingService) -> None:
    """`HEAD` has no effect."""
    assert production.http.head(PATH, headers={"Authorization": f"Bearer {production.token}"}).status_code == 200
    assert taken(mail) == []


def test_figures_of_a_busy_day_are_posted(
    in_process: Callable[..., TestClient], mail: RecordingService, sampled: Sample
) -> None:
    """The same object also when it is not all zeros."""
    last_vote = sampled.tables["fpp_votes"]["voted_at"].to_list()[-1]
    client = in_process(
        clock=lambda: last_vote + timedelta(hours=1), bea_base_url=mail.url, bea_secret_key=SecretStr("mail-key")
    )
    answer = client.get(PATH)
    assert answer.json()["votes"] > 0
    assert taken(mail) == [answer.json()]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_of_the_service_is_a_success(
    in_process: Callable[..., TestClient], mail: RecordingService, status: int
) -> None:
    mail.answers(status)
    client = in_process(bea_base_url=mail.url, bea_secret_key=SecretStr("mail-key"))
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize("given", [{"url"}, {"key"}, set()], ids=["no key", "no url", "neither"])
def test_without_a_configured_service_nothing_is_sent(
    in_process: Callable[..., TestClient], mail: RecordingService, given: set[str]
) -> None:
    """The figures are returned nevertheless."""
    client = in_process(
        bea_base_url=mail.url if "url" in given else None,
        bea_secret_key=SecretStr("mail-key") if "key" in given else None,
    )
    assert client.get(PATH).status_code == 200
    assert mail.received == []


@pytest.mark.server
def test_nothing_is_sent_for_a_stranger(production: Server, mail: RecordingService) -> None:
    assert production.http.get(PATH).status_code == 401
    assert mail.received == []


def failed(answer: httpx.Response | httpx2.Response) -> str:
    """The detail of a 502, which says which settings to look at and keeps the key to itself."""
    detail: str = problem(answer, 502)["detail"]
    assert "e-mail service" in detail
    assert "BEA_BASE_URL" in detail
    assert "mail-key" not in detail
    return detail


@pytest.mark.server
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_of_the_service_is_502(production: Server, mail: RecordingService, status: int) -> None:
    mail.answers(status)
    assert f"answered {status}" in failed(production.get(PATH))


@pytest.mark.server
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_502_and_not_followed(production: Server, mail: RecordingService, status: int) -> None:
    """The figures and the key go where they were sent, nowhere else."""
    mail.answers(status, Location=f"{mail.url}/elsewhere")
    assert f"answered {status}" in failed(production.get(PATH))
    assert [request.path for request in mail.received] == ["/fpp-daily-analytics"]


@pytest.mark.server
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0\xff\xfe",
        b"SMTP 220 ready\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 " + b"x" * 1_000_000,
    ],
    ids=lambda garbage: repr(garbage[:60]),
)
def test_garbage_is_502(production: Server, mail: RecordingService, garbage: bytes) -> None:
    mail.talks_garbage(garbage)
    failed(production.get(PATH))


@pytest.mark.server
def test_a_refused_connection_is_502(production: Server, mail: RecordingService) -> None:
    mail.refuses()
    try:
        assert "ConnectError" in failed(production.get(PATH))
    finally:
        mail.listen()


@pytest.mark.server
def test_a_service_that_hangs_is_502_after_the_timeout(production: Server, mail: RecordingService) -> None:
    """`BEA_TIMEOUT_SECONDS` is 1 there."""
    mail.hangs()
    assert "did not answer within 1 s" in failed(production.get(PATH))
    assert len(mail.received) == 1


@pytest.mark.parametrize("url", ["http://", "http://[", "http://mail:99999", "ftp://mail", "http://mail.invalid"])
def test_an_invalid_address_is_502(in_process: Callable[..., TestClient], url: str) -> None:
    client = in_process(bea_base_url=url, bea_secret_key=SecretStr("mail-key"))
    failed(client.get(PATH))


@pytest.mark.parametrize("key", ["mail-key\n", "mail-key\r\nX: y", "mail-key\0"])
def test_a_key_that_can_not_be_sent_is_502_and_not_shown(
    in_process: Callable[..., TestClient], mail: RecordingService, key: str
) -> None:
    """A line break of the file it was copied from, say."""
    client = in_process(bea_base_url=mail.url, bea_secret_key=SecretStr(key))
    failed(client.get(PATH))
    assert mail.received == []


def test_a_key_may_have_any_letters(in_process: Callable[..., TestClient], mail: RecordingService) -> None:
    """It is sent as the bytes of its UTF-8."""
    client = in_process(bea_base_url=mail.url, bea_secret_key=SecretStr("schlüssel"))
    assert client.get(PATH).status_code == 200
    assert mail.received[0].headers["authorization"].encode("latin-1") == "Bearer schlüssel".encode()


@pytest.mark.server
def test_a_failure_is_one_event_of_level_error(
    production: Server, mail: RecordingService, reported: Callable[[], list[dict[str, Any]]]
) -> None:
    mail.answers(500)
    failed(production.get(PATH))
    (event,) = reported()
    assert event["level"] == "error"
    assert event["exception"]["values"][-1]["type"] == "MailServiceError"


@pytest.mark.server
def test_a_failure_is_logged_as_one_line(production: Server, mail: RecordingService) -> None:
    """It is expected: no traceback."""
    before = len(production.log)
    mail.answers(500)
    failed(production.get(PATH))
    lines = [line for line in production.log[before:].splitlines() if "e-mail service" in line]
    assert len(lines) == 1
    assert "ERROR" in lines[0]
    assert f"GET {PATH}" in lines[0]
    assert "Traceback" not in production.log[before:]


@pytest.mark.server
def test_the_server_answers_others_while_the_service_hangs(patient: Server, mail: RecordingService) -> None:
    """The service is let go only after the others had their answers."""
    mail.hangs()
    with ThreadPoolExecutor() as others:
        waiting = others.submit(patient.get, PATH)
        until(lambda: mail.received, "the request to reach the e-mail service")
        assert patient.http.get("/health").status_code == 200
        assert patient.get("/room/1/stats").status_code == 200
        assert not waiting.done()
        mail.goes_on()
        assert waiting.result().status_code == 200


@pytest.mark.server
def test_a_stop_waits_for_the_answer_on_its_way(patient: Server, mail: RecordingService) -> None:
    """SIGTERM while the service hangs: the request is finished, then the server ends."""
    mail.hangs()
    with ThreadPoolExecutor() as others:
        waiting = others.submit(patient.get, PATH)
        until(lambda: mail.received, "the request to reach the e-mail service")
        patient.program.process.send_signal(signal.SIGTERM)
        until(lambda: "Shutting down" in patient.log, "the server to heed the signal")
        mail.goes_on()
        assert waiting.result().status_code == 200
    patient.program.process.wait(PATIENCE_S)
    assert "Traceback" not in patient.log
