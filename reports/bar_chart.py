"""A small bar chart as a PNG, as many mail clients don't show SVG."""

import struct
import zlib
from collections.abc import Sequence

type Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
BAR: Colour = (201, 206, 244)
MARKED: Colour = (70, 80, 200)
WIDTH, GAP, HEIGHT = 14, 4, 96
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# 8 bits per channel, three channels, no interlacing.
RGB = (8, 2, 0, 0, 0)


def bar_chart(values: Sequence[float], marked: Sequence[int]) -> bytes:
    """A PNG with one bar per value, the highest as high as the picture; bars with an index in `marked` stand out."""
    most = max([*values, 1])
    heights = [round(value / most * HEIGHT) for value in values]
    colours = [MARKED if number in marked else BAR for number in range(len(values))]
    return _png([_line(HEIGHT - y, heights, colours) for y in range(HEIGHT)])


def _line(level: int, heights: Sequence[int], colours: Sequence[Colour]) -> bytes:
    """The line of pixels `level` pixels above the bottom."""
    bars = zip(heights, colours, strict=True)
    return b"".join(bytes(colour if height >= level else PAPER) * WIDTH + bytes(PAPER) * GAP for height, colour in bars)


def _png(lines: Sequence[bytes]) -> bytes:
    header = struct.pack(">II5B", len(lines[0]) // len(PAPER), len(lines), *RGB)
    # Each line begins with the number of its filter: none.
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
