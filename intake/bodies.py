"""Request bodies: read up to a limit and decompressed."""

import zlib
from typing import ClassVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from intake.backlog import Share
from util.errors import AnalyticsError

LARGEST_BODY = 5_000_000
GZIP = 16 + zlib.MAX_WBITS


class BodyTooLargeError(AnalyticsError):
    """A body is larger than a request may have."""

    status = 413
    # The rest of the body is not read, so the next request could not be told from it.
    headers: ClassVar[dict[str, str]] = {"Connection": "close"}

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: send smaller batches; nothing of this one was kept")


class BadBodyError(AnalyticsError):
    """A body that can't be read."""

    status = 400


class UnknownEncodingError(AnalyticsError):
    """A body with a Content-Encoding that is not supported."""

    status = 415
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip"}

    def __init__(self, encoding: str) -> None:
        super().__init__(f"Content-Encoding {encoding[:60]!a} is not supported: send gzip, or leave it out")


async def read_body(request: Request, share: Share, largest: int = LARGEST_BODY) -> bytes:
    """The body of a request, decompressed.

    Raises:
        BodyTooLargeError: It is larger than `largest`.
        BadBodyError: It is not the gzip it claims to be.
        UnknownEncodingError: It has another encoding.
        FullError: The backlog has no capacity for it.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise UnknownEncodingError(encoding)
    body = await _read(request, share, largest)
    if encoding == "identity":
        return body
    unpacked = await run_in_threadpool(unpack, body, largest)
    share.take(len(unpacked))
    return unpacked


async def _read(request: Request, share: Share, largest: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > largest:
        raise BodyTooLargeError(_too_large("The body", largest))
    body = bytearray()
    async for chunk in request.stream():
        share.take(len(chunk))
        body += chunk
        if len(body) > largest:
            raise BodyTooLargeError(_too_large("The body", largest))
    return bytes(body)


def unpack(packed: bytes, largest: int) -> bytes:
    """Decompress gzip of one or several members.

    Raises:
        BodyTooLargeError: It is larger than `largest`.
        BadBodyError: It is not gzip, or its end is missing.
    """
    unpacked = bytearray()
    while packed:
        member = zlib.decompressobj(GZIP)
        try:
            unpacked += member.decompress(packed, largest + 1 - len(unpacked))
        except zlib.error as error:
            raise BadBodyError(f"The body is not gzip, though its Content-Encoding says so ({error})") from None
        if len(unpacked) > largest:
            raise BodyTooLargeError(_too_large("The decompressed body", largest))
        if not member.eof:
            raise BadBodyError("The end of the gzipped body is missing")
        packed = member.unused_data
    return bytes(unpacked)


def _too_large(what: str, largest: int) -> str:
    return f"{what} is larger than {largest:,} bytes"
