"""Remarks for the person, collected from any thread until somebody takes them."""

from __future__ import annotations

import threading


class Notices:
    """A list without repetitions that is emptied by taking it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Add a remark, unless it is empty or already waiting."""
        with self._lock:
            if text and text not in self._texts:
                self._texts.append(text)

    def take(self) -> list[str]:
        """Everything since the last call."""
        with self._lock:
            texts, self._texts = self._texts, []
        return texts
