"""Finding text regardless of case, with offsets into the original.

Case folding lengthens some characters (``ß`` becomes ``ss``, ``ﬁ`` becomes ``fi``, ``İ`` becomes two characters) and
shortens none, so a place in the folded text is not the same place in the original. A hit begins and ends between
characters of the original: ``s`` is not found inside ``ß``, ``ss`` is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

FIRST_CHUNK = 1 << 16
LARGEST_CHUNK = 1 << 22
"""Characters folded at once: few at first, so that the first hit comes fast, then more."""

_LAST_GROWING = 0xFB17
"""The last character of Unicode whose folding is longer than itself (a ligature); a test goes through all."""


def find_folded(
    text: str, literal: str, *, first_chunk: int = FIRST_CHUNK, largest_chunk: int = LARGEST_CHUNK
) -> Iterator[tuple[int, int]]:
    """Find a literal in a text, both case-folded.

    Parameters
    ----------
    text, literal
        Where to search and what for; the literal must not be empty.
    first_chunk, largest_chunk
        Characters of the text that are folded at once: it starts with the first and doubles up to the second.

    Yields
    ------
    tuple of int
        Start and end offsets into ``text``, in order, not overlapping.

    Raises
    ------
    ValueError
        If the literal is empty.
    """
    wanted = literal.casefold()
    if not wanted:
        raise ValueError("the pattern is empty; give the text to look for")
    if text.isascii() and not wanted.isascii():
        return
    # A folded character never vanishes, so a hit covers at most len(wanted) characters of the original.
    overlap = len(wanted) - 1
    position, size = 0, first_chunk
    while position < len(text):
        chunk = text[position : position + size + overlap]
        following = position + size
        for start, end in _in_chunk(chunk, wanted):
            if start >= size:
                break  # it begins in the next chunk, which sees it whole
            yield position + start, position + end
            following = max(following, position + end)
        position = following
        size = min(2 * size, largest_chunk)


def _in_chunk(chunk: str, wanted: str) -> Iterator[tuple[int, int]]:
    folded = chunk.lower() if chunk.isascii() else chunk.casefold()
    length = len(wanted)
    if len(folded) == len(chunk):
        at = folded.find(wanted)
        while at >= 0:
            yield at, at + length
            at = folded.find(wanted, at + length)
        return
    original = _OffsetMap(chunk)
    at = folded.find(wanted)
    while at >= 0:
        start, end = original.place(at), original.place(at + length)
        if start is None or end is None:
            at = folded.find(wanted, at + 1)
        else:
            yield start, end
            at = folded.find(wanted, at + length)


class _OffsetMap:
    """Maps offsets of a folded chunk to offsets of the chunk itself."""

    def __init__(self, chunk: str) -> None:
        growing = [(match.start(), len(match[0].casefold()) - 1) for match in _growing_characters().finditer(chunk)]
        self._extra = [0, *accumulate(extra for _, extra in growing)]
        # Where each growing character begins and ends in the folded text.
        self._begins = [at + before for (at, _), before in zip(growing, self._extra, strict=False)]
        self._ends = [begin + 1 + extra for begin, (_, extra) in zip(self._begins, growing, strict=True)]

    def place(self, folded_offset: int) -> int | None:
        """The offset in the chunk, or None inside a character that grew."""
        passed = bisect_left(self._begins, folded_offset)
        if passed and folded_offset < self._ends[passed - 1]:
            return None
        return folded_offset - self._extra[passed]


@lru_cache(maxsize=1)
def _growing_characters() -> re.Pattern[str]:
    """Every character whose folding is longer than itself, as a pattern for one of them."""
    found = [chr(code) for code in range(0x80, _LAST_GROWING + 1) if len(chr(code).casefold()) > 1]
    return re.compile(f"[{''.join(found)}]")
