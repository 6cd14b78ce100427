"""Bytes become text: by their mark, as UTF-8, or by a guess that makes sense; else an error that says what to do."""

from __future__ import annotations

import codecs
import re
from typing import Final

from ..errors import InputError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_NOT_TEXT: Final = {
    b"%PDF": "a PDF; extract its text first",
    b"PK\x03\x04": "a ZIP archive, as .xlsx and .docx are too; unpack it, or read it with pandas",
    b"\x1f\x8b": "gzip data; unpack it with gzip.decompress",
    b"BZh": "bzip2 data; unpack it with bz2.decompress",
    b"\xfd7zXZ": "xz data; unpack it with lzma.decompress",
    b"\x28\xb5\x2f\xfd": "zstd data; unpack it first",
    b"PAR1": "a Parquet file; read it with pandas.read_parquet",
    b"SQLite format 3": "an SQLite database; query it first",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x7fELF": "a program",
    b"\x80\x04": "a pickle; load it, then pass what it holds",
}
"""How files begin that are no text, and what to do with them."""

_SAMPLE_BYTES: Final = 128 * 1024
_MOST_BROKEN: Final = 0.02
"""Share of a UTF-8 text's non-ASCII characters that may be broken; real logs have such bytes."""

_MOST_CONTROLS: Final = 0.02
_FEW_CONTROLS: Final = 5
"""Control characters a text may have: that share of its beginning, or that many."""

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


def decode(data: bytes, label: str) -> str:
    """Decode a text, line ends and all else as they are (a byte order mark is dropped).

    Tried in this order: the encoding a byte order mark names; UTF-8; UTF-16 without a mark, seen by its zero bytes;
    UTF-8 with a few broken bytes, which become U+FFFD; the best guess of charset-normalizer.

    Parameters
    ----------
    data
        The bytes.
    label
        Names the input in an error.

    Raises
    ------
    InputError
        If it is no text, or in an encoding that can't be told.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                continue  # the mark was no mark
    wide = _wide_encoding(data)
    try:
        text = data.decode(wide or "utf-8")
    except UnicodeDecodeError as error:
        return _guess(data, error.start, label)
    if not _reads_as_text(text):
        raise _no_text(data, label)
    return text


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: in most languages every other byte is often zero, which UTF-8 text never has."""
    sample = data[:_SAMPLE_BYTES]
    if len(data) % 2 or b"\0" not in sample:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guess(data: bytes, broken_at: int, label: str) -> str:
    if data.startswith(tuple(_NOT_TEXT)):
        raise _no_text(data, label)
    # Around the first byte that is not UTF-8: the beginning of a long file may be plain ASCII.
    sample = data[max(0, broken_at - _SAMPLE_BYTES // 2) : broken_at + _SAMPLE_BYTES // 2]
    nearly = sample.decode("utf-8", "replace")
    foreign = sum(1 for character in nearly if character > "\x7f")
    if nearly.count("\ufffd") <= max(1, foreign * _MOST_BROKEN) < foreign:
        return data.decode("utf-8", "replace")

    from charset_normalizer import from_bytes

    for match in from_bytes(sample):
        try:
            text = data.decode(match.encoding)
        except UnicodeDecodeError:
            continue
        if _reads_as_text(text):
            return text
    raise _no_text(data, label)


def _reads_as_text(text: str) -> bool:
    """Whether there are few control characters; any bytes at all are "text" in some encoding."""
    sample = text[:_SAMPLE_BYTES]
    return len(_CONTROLS.findall(sample)) <= max(_FEW_CONTROLS, _MOST_CONTROLS * len(sample))


def _no_text(data: bytes, label: str) -> InputError:
    for start, what in _NOT_TEXT.items():
        if data.startswith(start):
            return InputError(f"{label} is not text but looks like {what}", label=label)
    return InputError(
        f"{label} is not text in any encoding that can be detected; decode it and pass a str, "
        "for example data.decode('cp1252')",
        label=label,
    )
