"""Excerpts from the start, the middle and the end of a text."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_CHARS = 640
MIDDLE_CHARS = 280
END_CHARS = 280


@dataclass(frozen=True)
class Excerpt:
    """A piece of a text as it is; it starts at character ``start``."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """Offset of the first character after the piece."""
        return self.start + len(self.text)


def excerpts(text: str) -> tuple[Excerpt, Excerpt | None, Excerpt | None]:
    """Cut head, middle and end; the last two are None when the head alone is the whole text.

    A text so short that the pieces would touch is one head. Middle and end start at a line's start where one is near.
    """
    if len(text) <= HEAD_CHARS + MIDDLE_CHARS + END_CHARS:
        return Excerpt(0, text), None, None
    head = Excerpt(0, text[:HEAD_CHARS])
    middle = _from_line_start(text, max(HEAD_CHARS, (len(text) - MIDDLE_CHARS) // 2), MIDDLE_CHARS)
    end = _from_line_start(text, len(text) - END_CHARS, END_CHARS)
    return head, middle, end


def _from_line_start(text: str, start: int, length: int) -> Excerpt:
    stop = start + length
    newline = text.find("\n", start, start + length // 2)
    if newline >= 0:
        start = newline + 1
    return Excerpt(start, text[start:stop])
