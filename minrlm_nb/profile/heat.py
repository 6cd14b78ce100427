"""The entropy map as a picture, without any imaging library."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from .entropy import EntropyMap

# Dark blue over grey to yellow: rises evenly in lightness, so it reads the same to colour-blind eyes and in print.
_RAMP = ((0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (254, 232, 56))


def heat_colour(value: float) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255 each, for a figure from 0 to 1 (figures outside are taken as the nearer end)."""
    place = min(1.0, max(0.0, value)) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    part = place - low
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True))
    return red, green, blue


def relative(found: EntropyMap) -> list[float]:
    """Figures of all sections, spread over 0 to 1 so that a picture shows the differences.

    A text that is the same throughout (a spread below 0.1) keeps to the middle of the ramp instead of showing noise
    in full colours.
    """
    values = [section.value for section in found.sections]
    if not values:
        return []
    low, spread = min(values), max(values) - min(values)
    scale = max(spread, 0.1)
    start = (1 - spread / scale) / 2
    return [start + (value - low) / scale for value in values]


@lru_cache(maxsize=64)
def heat_png(found: EntropyMap, width: int = 640, height: int = 16) -> bytes:
    """Draw a strip, one block a section, as a PNG file; kept, since a trace is saved again and again with it.

    Parameters
    ----------
    found : EntropyMap
        An empty map gives a strip in one grey.
    width, height : int, pixels
        At least 1 each.
    """
    values = relative(found)
    row = bytearray()
    for x in range(width):
        row += bytes(heat_colour(values[x * len(values) // width])) if values else b"\x80\x80\x80"
    # Filter 0 for the first row, then "same as above" with differences of zero: a few hundred bytes in all.
    rows = b"\x00" + bytes(row) + (b"\x02" + bytes(len(row))) * (height - 1)
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
