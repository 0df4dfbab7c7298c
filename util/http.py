"""Calls to other services."""

import logging
from typing import Literal

import httpx

from util.errors import AnalyticsError, Severity

logger = logging.getLogger(__name__)
HEARTBEAT_TIMEOUT_S = 10


class MailServiceError(AnalyticsError):
    """The e-mail service did not accept a message."""

    status = 502
    severity = Severity.HIGH

    def __init__(self, reason: str) -> None:
        super().__init__(f"The e-mail service {reason}: check BEA_BASE_URL and BEA_SECRET_KEY, and that it is running")


def post_json(url: str, body: object, token: str, timeout_s: float) -> None:
    """Post `body` as JSON with a bearer token.

    Raises:
        MailServiceError: The service can't be reached, is too slow, or answers anything but 2xx.
    """
    try:
        response = httpx.post(url, json=body, headers={b"Authorization": f"Bearer {token}".encode()}, timeout=timeout_s)
    except httpx.LocalProtocolError:
        # Its message contains the header, and so the token.
        raise MailServiceError("can't be sent a token with a line break or the like in it") from None
    except httpx.TimeoutException as error:
        raise MailServiceError(f"did not answer within {timeout_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise MailServiceError(f"failed ({type(error).__name__}: {error})") from error
    if not response.is_success:
        raise MailServiceError(f"answered {response.status_code}")


def push_heartbeat(url: str, status: Literal["up", "down"], message: str, ping_ms: int) -> None:
    """Tell an Uptime Kuma monitor how a run went; a heartbeat that fails is only logged."""
    facts = {"status": status, "msg": message, "ping": str(ping_ms)}
    try:
        response = httpx.get(httpx.URL(url).copy_merge_params(facts), timeout=HEARTBEAT_TIMEOUT_S)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        logger.warning("The heartbeat was refused with %d: check UPTIMEKUMA_PUSH_URL", error.response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        logger.warning("The heartbeat failed (%s): check UPTIMEKUMA_PUSH_URL", type(error).__name__)
