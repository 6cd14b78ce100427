"""``search``: every place of a text where something stands, with what surrounds it, found as it is asked for."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, SupportsIndex, TypeAlias, overload

from .folding import find_folded
from .reads import ReadLog

Hit: TypeAlias = tuple[str, str, str]
"""``(match, before, after)``"""

CONTEXT = 500
"""Characters kept on either side of a hit unless the caller says otherwise."""

_SHOWN_HITS = 5
_SHOWN_CHARS = 1_600
"""What a description shows: the first hits, with as much around them as fits."""


class Hits(Sequence[Hit]):
    """What a search found: a sequence of ``(match, before, after)``, looked for only as far as it is used.

    A hit costs two offsets until it is asked for. Slices and sums are `Hits` and lists; equality is a list's.

    Parameters
    ----------
    text
        The text searched.
    spans
        Start and end offsets of the hits, in order; consumed lazily.
    context
        Characters on either side.
    about
        What was looked for, for the description.
    """

    __slots__ = ("_about", "_context", "_ends", "_spans", "_starts", "_text")
    __hash__ = None  # type: ignore[assignment]  # as a list

    def __init__(self, text: str, spans: Iterable[tuple[int, int]], context: int = CONTEXT, about: str = "") -> None:
        offsets = "I" if len(text) < 1 << 32 else "Q"
        self._text = text
        self._context = context
        self._about = about
        self._starts, self._ends = array(offsets), array(offsets)
        self._spans: Iterator[tuple[int, int]] | None = iter(spans)

    def __len__(self) -> int:
        self._look_for(None)
        return len(self._starts)

    def __bool__(self) -> bool:
        return self._look_for(1)

    def __iter__(self) -> Iterator[Hit]:
        index = 0
        while self._look_for(index + 1):
            yield self._hit(index)
            index += 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Hits: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Hit | Hits:
        if isinstance(index, slice):
            return self._part(index)
        try:
            place = index.__index__()
        except AttributeError:
            raise TypeError(f"hits are numbered; hits[{type(index).__name__}] is not possible") from None
        if place < 0:
            place += len(self)
        if place < 0 or not self._look_for(place + 1):
            raise IndexError(f"there is no hit {index}; {len(self):,} were found")
        return self._hit(place)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Hits | list):
            return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        return NotImplemented

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Iterable[Any]) -> list[Any]:
        return [*other, *self]

    def __repr__(self) -> str:
        count = len(self)
        noun = "hit" if count == 1 else "hits"
        lines = [f"{count:,} {noun}{self._about}{':' if count else ''}"]
        shown = min(count, _SHOWN_HITS)
        around = min(self._context, _SHOWN_CHARS // (2 * shown)) if shown else 0
        for number in range(shown):
            start, end = self._starts[number], self._ends[number]
            before, after = self._text[max(0, start - around) : start], self._text[end : end + around]
            match = self._text[start : min(end, start + _SHOWN_CHARS // shown)]
            lines.append(f"[{number}] {_one_line(before)}«{_one_line(match)}»{_one_line(after)}")
        if count > shown:
            lines.append(f"… and {count - shown:,} more; each hit is (match, before, after)")
        return "\n".join(lines)

    def known_length(self) -> int:
        """The number of hits if the search is done, else -1."""
        return len(self._starts) if self._spans is None else -1

    def _hit(self, index: int) -> Hit:
        start, end = self._starts[index], self._ends[index]
        before = self._text[max(0, start - self._context) : start]
        return self._text[start:end], before, self._text[end : end + self._context]

    def _part(self, index: slice) -> Hits:
        start, stop, step = index.start, index.stop, index.step
        forward = (start is None or start >= 0) and stop is not None and stop >= 0 and (step is None or step > 0)
        self._look_for(stop if forward else None)  # hits[:5] must not search the whole text
        part = Hits(self._text, (), self._context, self._about)
        part._starts, part._ends = self._starts[index], self._ends[index]
        part._spans = None
        return part

    def _look_for(self, count: int | None) -> bool:
        """Search on until there are ``count`` hits (None: all); whether there are."""
        while self._spans is not None and (count is None or len(self._starts) < count):
            try:
                start, end = next(self._spans)
            except StopIteration:
                self._spans = None
                break
            except BaseException:
                self._spans = _broken_off()  # a generator that raised would pass for one that has no more hits
                raise
            self._starts.append(start)
            self._ends.append(end)
        return count is not None and len(self._starts) >= count


def make_search(reads: ReadLog, inputs: Callable[[], Iterable[str]]) -> Callable[..., Hits]:
    """Build the ``search`` helper.

    Parameters
    ----------
    reads
        Where its use is counted.
    inputs
        Gives the input texts, to recognise arguments in the wrong order.
    """

    def search(text: Any = None, pattern: Any = None, context: int = CONTEXT, limit: int | None = None) -> Hits:
        r"""Find a pattern in a text: every hit as (match, before, after).

        search(input_0, "error")                      any case, taken literally
        search(input_0, re.compile(r"took \d+ ms"))   a regular expression
        search(input_0, "error", context=80, limit=10)

        Parameters
        ----------
        text : str
            Where to search, for example input_0.
        pattern : str or re.Pattern
            A str is taken literally and matches any case; a compiled regular expression is used as it is.
        context : int
            Characters kept before and after each hit.
        limit : int or None
            Stop after that many hits.

        Returns
        -------
        Hits
            A sequence of (match, before, after); it has a length, an order and slices.
        """
        text = _searchable(text, pattern)
        if not isinstance(pattern, str | re.Pattern):
            raise TypeError(f"search looks for a str or a compiled re.Pattern, not {_a(pattern)}")
        if isinstance(pattern, str) and any(pattern is known for known in inputs()) and text is not pattern:
            raise ValueError("the text comes first: search(input_0, 'what to find')")
        if not _is_count(context):
            raise ValueError(f"context is a number of characters, 0 or more, not {context!r:.80}")
        if limit is not None and not _is_count(limit):
            raise ValueError(f"limit is a number of hits, 0 or more, or None, not {limit!r:.80}")
        hits = Hits(text, islice(_spans(text, pattern), limit), context, _about(pattern))
        reads.searches += 1
        if not hits:
            reads.empty_searches += 1
        return hits

    return search


def _spans(text: str, pattern: str | re.Pattern[str]) -> Iterator[tuple[int, int]]:
    if isinstance(pattern, re.Pattern):
        if isinstance(pattern.pattern, bytes):
            raise TypeError("the regular expression is for bytes; compile it from a str")
        return (match.span() for match in pattern.finditer(text))
    if not pattern:
        raise ValueError("the pattern is empty; give the text to look for")
    return find_folded(text, pattern)


def _broken_off() -> Iterator[tuple[int, int]]:
    raise RuntimeError("this search was broken off by an error or an interrupt; search again")
    yield (0, 0)


def _searchable(text: Any, pattern: Any) -> str:
    if isinstance(text, str):
        if pattern is None:
            raise TypeError("search needs a text and a pattern, for example search(input_0, 'error')")
        return text
    if isinstance(text, Hits):
        return "\n".join(before + match + after for match, before, after in text)
    if isinstance(text, list | tuple) and all(isinstance(item, str) for item in text):
        return "\n".join(text)
    raise TypeError(f"search reads a str (or a list of str, joined by newlines), not {_a(text)}; try json.dumps or str")


def _about(pattern: str | re.Pattern[str]) -> str:
    if isinstance(pattern, re.Pattern):
        return f" of the regular expression {_one_line(pattern.pattern[:100])}"
    hint = ""
    if re.search(r"[|*+?\\^$]|\[.+\]", pattern):
        hint = " (taken literally; for a regular expression pass re.compile(...))"
    return f" of {pattern[:100]!r}{hint}"


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "⏎")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _a(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
