import struct
import zlib

import pytest

from minrlm_nb.profile.entropy import EntropyMap, Section, entropy_map
from minrlm_nb.profile.heat import heat_colour, heat_png, relative
from tests.records import log_text


def _decoded(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an 8-bit RGB PNG, its filters undone."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    position, data, size = 8, b"", (0, 0)
    while position < len(png):
        (length,) = struct.unpack("!I", png[position : position + 4])
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        (check,) = struct.unpack("!I", png[position + 8 + length : position + 12 + length])
        assert check == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack("!II", body[:8])
            assert body[8:] == bytes([8, 2, 0, 0, 0])
        data += body if kind == b"IDAT" else b""
        position += 12 + length
    raw, width = zlib.decompress(data), size[0] * 3
    rows: list[bytes] = []
    for y in range(size[1]):
        filter_, row = raw[y * (width + 1)], raw[y * (width + 1) + 1 : (y + 1) * (width + 1)]
        above = rows[-1] if filter_ == 2 else bytes(width)
        rows.append(bytes((a + b) % 256 for a, b in zip(row, above, strict=True)))
    return size[0], size[1], rows


def test_the_picture_shows_one_block_a_section_and_the_same_in_every_row() -> None:
    found = EntropyMap(20, (Section(0, 10, 0.0), Section(10, 20, 1.0)), ())
    width, height, rows = _decoded(heat_png(found, 10, 4))
    assert (width, height) == (10, 4)
    assert len(set(rows)) == 1
    assert rows[0] == bytes(heat_colour(0)) * 5 + bytes(heat_colour(1)) * 5


def test_a_strip_for_a_page_takes_few_bytes() -> None:
    assert len(heat_png(entropy_map(log_text()))) < 1_000


def test_an_empty_text_gives_a_grey_strip() -> None:
    assert _decoded(heat_png(entropy_map(""), 3, 1))[2] == [b"\x80" * 9]


def test_an_even_text_is_not_painted_in_full_colours() -> None:
    assert all(0.4 <= value <= 0.6 for value in relative(entropy_map("an even line of text\n" * 5_000)))


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.3, 1.0, 7.0])
def test_every_figure_has_a_colour(value: float) -> None:
    assert all(0 <= part <= 255 for part in heat_colour(value))


def test_the_ramp_grows_lighter_throughout() -> None:
    light = [sum(w * c for w, c in zip((0.3, 0.59, 0.11), heat_colour(i / 50), strict=True)) for i in range(51)]
    assert light == sorted(light)
