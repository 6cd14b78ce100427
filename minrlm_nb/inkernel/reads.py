"""Counts of what the helpers have seen of the inputs; the driver judges an answer by them."""

from __future__ import annotations

from dataclasses import dataclass

from ..wire import Reads


@dataclass
class ReadLog:
    """Running counts since the kernel was seeded; all zero at first.

    Helpers may be called from several threads: a count lost to a race is harmless, as only zero or not matters.
    """

    searches: int = 0
    empty_searches: int = 0
    peeks: int = 0
    sub_calls: int = 0

    def clear(self) -> None:
        """Start again from zero."""
        self.searches = self.empty_searches = self.peeks = self.sub_calls = 0

    def as_wire(self) -> Reads:
        """The counts as the driver gets them."""
        return Reads(
            searches=self.searches, empty_searches=self.empty_searches, peeks=self.peeks, sub_calls=self.sub_calls
        )
