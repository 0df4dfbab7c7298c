"""Which answers are compressed, and how: in the encoding the client prefers, at its fastest useful level."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]  # it has none
import zstandard
from starlette.datastructures import Headers

# Bytes; shorter answers would hardly shrink.
SMALLEST = 500
COMPRESSIBLE = frozenset(
    {"application/javascript", "application/json", "application/x-ndjson", "application/xml", "image/svg+xml"}
)
# Events have to go out at once: an encoder would hold them back until there are more.
LIVE = "text/event-stream"
BODILESS = frozenset({204, 205, 304})


@dataclass(frozen=True)
class Encoder:
    """Compresses one answer: `feed` takes its parts, `finish` gives what is left."""

    feed: Callable[[bytes], bytes]
    finish: Callable[[], bytes]


def _zstd() -> Encoder:
    stream = zstandard.ZstdCompressor(level=1).compressobj()
    return Encoder(stream.compress, stream.flush)


def _brotli() -> Encoder:
    # Lower levels make a stream of short parts longer.
    stream = brotli.Compressor(quality=2)
    return Encoder(stream.process, stream.finish)


def _gzip() -> Encoder:
    stream = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    return Encoder(stream.compress, stream.flush)


# Best first.
ENCODERS: Mapping[str, Callable[[], Encoder]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}


def compressed(body: bytes, encoding: str) -> bytes:
    """A whole body in an encoding."""
    encoder = ENCODERS[encoding]()
    return encoder.feed(body) + encoder.finish()


def is_compressible(status: int, headers: Headers) -> bool:
    """Whether an answer gets shorter by compression and may be compressed."""
    if status in BODILESS or "content-encoding" in headers or "content-range" in headers:
        return False
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in COMPRESSIBLE or (media_type.startswith("text/") and media_type != LIVE)


def accepted_encoding(headers: Headers) -> str | None:
    """The best encoding a request accepts; None if it accepts none of ours."""
    qualities = dict(_qualities(headers.getlist("accept-encoding")))
    others = qualities.get("*", 0.0)
    return next((encoding for encoding in ENCODERS if qualities.get(encoding, others) > 0), None)


def _qualities(values: Iterable[str]) -> Iterable[tuple[str, float]]:
    for part in ",".join(values).split(","):
        name, *options = (piece.strip().lower() for piece in part.split(";"))
        yield name, next((_quality(option[2:]) for option in options if option.startswith("q=")), 1.0)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
