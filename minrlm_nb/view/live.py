"""What ``%%rlm`` shows while it runs and when it is done; display calls are made by the main thread only."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from IPython.display import DisplayHandle

from ..core.events import Event
from ..core.records import RunRecord
from ..profile import InputProfile
from .progress import Progress
from .report import report_html, report_text
from .terminal import StepPrinter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

REFRESH_S = 0.25
"""Seconds between updates of the progress, at the least."""


class LiveView:
    """A listener that shows progress in place, then the report.

    In a notebook the report replaces the progress; in a terminal, where nothing can be replaced, the steps are
    printed as they come. `refresh` and `finish` belong to the main thread.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._printer = None if hasattr(shell, "kernel") else StepPrinter(sys.stderr)
        self._progress = Progress()
        self._handle: DisplayHandle | None = None
        self._shown_at = 0.0

    def __call__(self, event: Event) -> None:
        """Take an event; any thread."""
        self._progress(event)
        if self._printer is not None:
            self._printer(event)

    def refresh(self) -> None:
        """Bring the progress up to date, a few times a second at the most."""
        now = time.monotonic()
        if self._printer is None and now - self._shown_at >= REFRESH_S:
            self._shown_at = now
            self._show(self._progress.html(), self._progress.text())

    def finish(self, record: RunRecord, profiles: Sequence[InputProfile], variable: str) -> None:
        """Replace the progress by the report; ``variable`` is the name that holds the answer."""
        self._show(report_html(record, profiles, variable), report_text(record))

    def _show(self, html: str, text: str) -> None:
        bundle = {"text/html": html, "text/plain": text}
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)
