"""What ``%%rlm`` shows while it runs: one small card, made anew from a little state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ..core.events import (
    CellFinished,
    CellOutput,
    CellStarted,
    Event,
    ModelDelta,
    ModelReplied,
    Notice,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from ..core.records import RunRecord, Usage
from ..core.summary import counted, dollars, ending, seconds
from ..profile.plain import one_line, plain
from .markup import Html, element
from .theme import ROOT_CLASS, style_sheet

TAIL_LINES: Final = 12
"""Lines of what the model writes, or the cell shows, that stay in view."""

_TAIL_CHARS: Final = 2_400
_KEPT_CHARS: Final = 8_000


class Progress:
    """A listener that knows where the run stands.

    Events may come from any thread; `html` and `text` may be called from any other.

    Parameters
    ----------
    clock : callable
        Seconds that only grow; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._ended: float | None = None
        self._task = ""
        self._most_steps: int | None = None
        self._step = 0
        self._doing = "starting"
        self._stream = ""
        self._usage = Usage()
        self._calls_out = 0
        self._calls_back = 0
        self._notice = ""
        self._changes = 0

    @property
    def changes(self) -> int:
        """Events taken so far; the same number means that only the clock went on."""
        with self._lock:
            return self._changes

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._changes += 1
            self._take(event)

    def text(self) -> str:
        """The state on one line: ``step 2 of 8 · running the cell · 5,700 tokens · $0.0025 · 4.90 s``."""
        with self._lock:
            return " · ".join([self._where(), *self._facts()])

    def html(self) -> str:
        """The state as a card with the last lines of what is written, escaped."""
        with self._lock:
            chip = element("span", self._where(), class_="mrlm-chip mrlm-busy")
            head = element("div", element("div", self._task, class_="mrlm-task"), chip, class_="mrlm-head")
            facts = element("div", *(element("span", fact) for fact in self._facts()), class_="mrlm-line")
            notice = element("div", self._notice, class_="mrlm-part mrlm-banner") if self._notice else Html("")
            tail = element("pre", self._tail(), class_="mrlm-tail") if self._stream.strip() else Html("")
            card = element("div", head, self._bar(), facts, notice, tail, class_="mrlm-card")
        return element("div", style_sheet(), card, class_=ROOT_CLASS, role="status")

    # -- below, the lock is held -------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event.record)
        elif isinstance(event, StepStarted):
            self._step, self._stream = event.number, ""
            self._doing = "asking the model for the answer" if event.last else "asking the model"
        elif isinstance(event, ModelDelta):
            self._doing = "the model reasons" if event.reasoning else "the model writes"
            self._add(event.text)
        elif isinstance(event, ModelReplied):
            self._usage += event.reply.usage
        elif isinstance(event, CellStarted):
            self._doing, self._stream = "running the cell", event.code[-_KEPT_CHARS:] + "\n"
        elif isinstance(event, CellOutput):
            # Pieces of a stream come with their own line ends, other outputs are whole.
            end = "" if event.output.kind in ("stdout", "stderr") else "\n"
            self._add(event.output.text[-_KEPT_CHARS:] + end)
        elif isinstance(event, SubCallStarted):
            self._calls_out += 1
        elif isinstance(event, SubCallFinished):
            self._calls_back += 1
            self._usage += event.call.usage
        elif isinstance(event, CellFinished):
            self._doing = "reading the result"
        elif isinstance(event, StepFinished):
            self._usage = event.record.usage
        elif isinstance(event, Notice):
            self._notice = one_line(event.text, 300)
        elif isinstance(event, RunFinished):
            self._end(event.record)

    def _begin(self, record: RunRecord) -> None:
        self._began, self._ended = self._clock(), None
        self._task = one_line(record.task, 300)
        most = record.config.get("max_steps")
        self._most_steps = most if isinstance(most, int) else None
        self._step, self._doing, self._stream, self._notice = 0, "starting the kernel", "", ""
        self._usage, self._calls_out, self._calls_back = Usage(), 0, 0

    def _end(self, record: RunRecord) -> None:
        self._ended = self._clock()
        self._doing, self._usage = ending(record), record.usage

    def _add(self, text: str) -> None:
        self._stream += text
        if len(self._stream) > 2 * _KEPT_CHARS:
            self._stream = self._stream[-_KEPT_CHARS:]

    def _where(self) -> str:
        if not self._step:
            return "starting"
        return f"step {self._step} of {self._most_steps}" if self._most_steps else f"step {self._step}"

    def _facts(self) -> list[str]:
        facts = [self._doing]
        if under_way := self._calls_out - self._calls_back:
            facts.append(f"{counted(under_way, 'sub-call')} under way, {self._calls_back:,} back")
        elif self._calls_back:
            facts.append(counted(self._calls_back, "sub-call"))
        if self._usage.total_tokens:
            facts.append(f"{'~' if self._usage.estimated else ''}{self._usage.total_tokens:,} tokens")
        if cost := dollars(self._usage):
            facts.append(cost)
        now = self._clock() if self._ended is None else self._ended
        return [*facts, seconds(now - self._began)]

    def _bar(self) -> Html:
        share = 100 * self._step // self._most_steps if self._most_steps else 0
        return element("div", element("span", style=f"width:{min(100, share)}%"), class_="mrlm-bar")

    def _tail(self) -> str:
        return "\n".join(plain(self._stream[-_TAIL_CHARS:]).rstrip().split("\n")[-TAIL_LINES:])
