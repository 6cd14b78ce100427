"""Telling a person how far a download is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import IO, Any, Protocol

LINE_EVERY_S = 10.0


class Progress(Protocol):
    """What the fetch reports to."""

    def note(self, text: str) -> None:
        """One line about what happens next."""

    def show(self, done: int, total: int) -> None:
        """Bytes had so far, of how many."""

    def close(self) -> None:
        """Nothing more comes."""


class Silent:
    """Reports nothing."""

    def note(self, text: str) -> None:
        """Drop the line."""

    def show(self, done: int, total: int) -> None:
        """Drop the figures."""

    def close(self) -> None:
        """Nothing to close."""


class Lines:
    """A line at most every ten seconds, for logs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = time.monotonic() + LINE_EVERY_S

    def note(self, text: str) -> None:
        """Write the line."""
        print(text, file=self._stream, flush=True)

    def show(self, done: int, total: int) -> None:
        """Write how far it is, if the last line is old enough."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LINE_EVERY_S
            self.note(f"  {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    def close(self) -> None:
        """Nothing to close."""


class Bar:
    """A tqdm bar, for terminals."""

    def __init__(self, stream: IO[str]) -> None:
        from tqdm import tqdm  # type: ignore[import-untyped, unused-ignore]

        self._tqdm = tqdm
        self._stream = stream
        self._bar: Any = None

    def note(self, text: str) -> None:
        """Write the line above the bar."""
        self._tqdm.write(text, file=self._stream)

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._bar is None:
            self._bar = self._tqdm(
                total=total, unit="B", unit_scale=True, unit_divisor=1000, file=self._stream, initial=done
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def for_stream(stream: IO[str] | None = None) -> Progress:
    """The progress that suits a stream (default: stderr)."""
    stream = stream or sys.stderr
    if not stream.isatty():
        return Lines(stream)
    try:
        return Bar(stream)
    except ImportError:  # tqdm comes with the `local` extra; the fetch works without
        return Lines(stream)
