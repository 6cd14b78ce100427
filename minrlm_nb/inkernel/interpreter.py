"""What cells share with the kernel and might break: builtins, the standard streams, hooks."""

from __future__ import annotations

import builtins
import sys
import threading
from types import ModuleType
from typing import Any

_SHARED: tuple[tuple[ModuleType, str], ...] = (
    (sys, "stdin"),
    (sys, "stdout"),
    (sys, "stderr"),
    (sys, "displayhook"),
    (sys, "excepthook"),
    (sys, "unraisablehook"),
    (threading, "excepthook"),
)


class Interpreter:
    """Remembers how things were, and puts them back after a cell."""

    def __init__(self) -> None:
        self._builtins = builtins.__dict__
        self._replaced: dict[str, None] = {}
        self._shared: list[tuple[ModuleType, str, Any]] = []
        self._depth = sys.getrecursionlimit()

    def start_cell(self) -> None:
        """Note the streams and hooks as they are before a cell runs."""
        self._shared = [(module, name, getattr(module, name)) for module, name in _SHARED]

    def note_builtins(self) -> dict[str, Any]:
        """The builtins as they are before a statement of a cell runs."""
        return self._builtins.copy()

    def restore_builtins(self, noted: dict[str, Any]) -> None:
        """Put the builtins back right after the statement, before IPython goes on; uses none of them itself."""
        live, replaced = self._builtins, self._replaced
        for name, value in noted.items():
            if name not in live or live[name] is not value:
                live[name] = value
                replaced[name] = None

    def end_cell(self) -> list[str]:
        """Put streams and hooks back; returns the builtins that had been replaced."""
        for module, name, value in self._shared:
            setattr(module, name, value)
        if sys.getrecursionlimit() < self._depth:  # more is the cell's to choose, less breaks the kernel
            sys.setrecursionlimit(self._depth)
        names = sorted(self._replaced)
        self._replaced.clear()
        return names
