"""What cells share with the kernel and might break: builtins, the standard streams, the display hook."""

from __future__ import annotations

import builtins
import sys
from typing import Any

_CHANGING = frozenset({"_", "__debug__", "display", "exit", "get_ipython", "input", "quit"})
"""Names in builtins that Python's and IPython's own machinery sets and takes away."""

_STREAMS = ("stdin", "stdout", "stderr", "displayhook", "excepthook")


class Interpreter:
    """Remembers how things were when the kernel came up, and puts them back."""

    def __init__(self) -> None:
        self._live = builtins.__dict__
        self._builtins = {name: value for name, value in self._live.items() if name not in _CHANGING}
        self._streams: dict[str, Any] = {}
        self._replaced: dict[str, None] = {}

    def start_cell(self) -> None:
        """Note the streams as they are before a cell runs."""
        self._streams = {name: getattr(sys, name, None) for name in _STREAMS}

    def restore_builtins(self) -> None:
        """Put the builtins back. Runs right after cell code, so it uses none of them itself."""
        live, replaced = self._live, self._replaced
        for name, value in self._builtins.items():
            if name not in live or live[name] is not value:
                live[name] = value
                replaced[name] = None

    def restore_streams(self) -> None:
        """Put ``sys.stdout`` and its like back."""
        for name, value in self._streams.items():
            if getattr(sys, name, None) is not value:
                setattr(sys, name, value)

    def end_cell(self) -> list[str]:
        """Put everything back; returns the builtins that had been replaced."""
        self.restore_builtins()
        self.restore_streams()
        names = sorted(self._replaced)
        self._replaced.clear()
        return names
