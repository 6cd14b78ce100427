"""The steps of a run on a terminal, as they happen."""

from __future__ import annotations

import os
import threading
from typing import Final, Literal, TextIO

from ..core.events import (
    CellFinished,
    CellOutput,
    CellStarted,
    Event,
    ModelReplied,
    Notice,
    RunFinished,
    RunStarted,
    StepStarted,
    SubCallFinished,
)
from ..core.records import CellResult, Output, RunRecord
from ..core.summary import counted, dollars, ending, seconds, tokens
from ..profile.plain import one_line, plain

_MAX_CHARS: Final = 4_000
"""Characters of one reasoning or cell that are printed."""

_MAX_OUTPUT_CHARS: Final = 10_000
"""Characters of all outputs of one cell that are printed."""

_Style = Literal["bold", "dim", "red", "green", "yellow"]
_CODES: Final[dict[_Style, str]] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class StepPrinter:
    """A listener that prints each step: reasoning, code, outputs, sub-calls and time.

    Escape codes in what a model or a kernel wrote are dropped; the only ones printed are our own colours. Events may
    come from any thread. A stream that can't be written to any more is left alone: that must not end the run.

    Parameters
    ----------
    stream : text stream
        Usually standard error.
    colour : bool or None, default None
        None for colours on a terminal, unless ``NO_COLOR`` is set or ``TERM`` is ``dumb``.
    """

    def __init__(self, stream: TextIO, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = _wants_colour(stream) if colour is None else colour
        self._lock = threading.Lock()
        self._most_steps: int | None = None
        self._calls = 0
        self._room = _MAX_OUTPUT_CHARS
        self._mid_line = False
        self._gone = False

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            if isinstance(event, CellOutput):
                self._output(event.output)
            elif lines := self._lines(event):
                self._end_line()
                self._write("\n".join(lines) + "\n")

    def _lines(self, event: Event) -> list[str]:
        if isinstance(event, RunStarted):
            return self._started(event.record)
        if isinstance(event, SubCallFinished):
            self._calls += 1
        if isinstance(event, StepStarted):
            self._calls = 0
            of = f" of {self._most_steps}" if self._most_steps else ""
            return ["", self._in("bold", f"── step {event.number}{of} " + "─" * 40)]
        if isinstance(event, ModelReplied):
            return [
                *(self._in("dim", line) for line in _shown(event.reasoning)),
                *(f"{self._in('green', '│')} {line}" for line in _shown(event.code)),
            ]
        if isinstance(event, CellStarted):
            self._room = _MAX_OUTPUT_CHARS
        if isinstance(event, CellFinished):
            return self._finished(event.result)
        if isinstance(event, Notice):
            return [self._in("yellow", f"! {one_line(event.text, 600)}")]
        return self._ended(event.record) if isinstance(event, RunFinished) else []

    def _started(self, record: RunRecord) -> list[str]:
        most = record.config.get("max_steps")
        self._most_steps = most if isinstance(most, int) else None
        names = ", ".join(
            f"{one_line(facts.label, 60)} ({counted(facts.size, 'character')})" for facts in record.inputs[:5]
        )
        more = f" and {len(record.inputs) - 5:,} more" if len(record.inputs) > 5 else ""
        told = f"{one_line(record.model, 60)} · isolation {one_line(record.isolation, 20)}"
        return [self._in("bold", one_line(record.task, 300)), self._in("dim", f"{told} · {names or 'no input'}{more}")]

    def _output(self, output: Output) -> None:
        """Print a piece as it comes: pieces of a stream join, other outputs start on a line of their own."""
        if self._room <= 0:
            return
        words = plain(output.text[: self._room])
        self._room -= len(output.text)
        if output.kind not in ("stdout", "stderr"):
            self._end_line()
            words = words.strip("\n") + "\n"
        if self._room <= 0:
            words += "\n… (the trace has the rest)\n"
        self._mid_line = bool(words) and not words.endswith("\n")
        self._write(self._in("red", words) if output.kind in ("error", "stderr") else words)

    def _end_line(self) -> None:
        if self._mid_line:
            self._write("\n")
            self._mid_line = False

    def _finished(self, result: CellResult) -> list[str]:
        lines = [self._in("yellow", f"! {one_line(notice, 600)}") for notice in result.notices]
        if result.error is not None and all(output.kind != "error" for output in result.outputs):
            lines.append(self._in("red", one_line(f"{result.error.name}: {result.error.value}", 600)))
        status = self._in("green", "ok") if result.status == "ok" else self._in("red", result.status)
        calls = f" · {counted(self._calls, 'sub-call')}" if self._calls else ""
        return [*lines, f"{status} {self._in('dim', seconds(result.duration_s) + calls)}"]

    def _ended(self, record: RunRecord) -> list[str]:
        calls = sum(len(step.sub_calls) for step in record.steps)
        used = [tokens(record.usage), dollars(record.usage), seconds(record.duration_s)]
        facts = [counted(len(record.steps), "step"), counted(calls, "sub-call") if calls else "", *used]
        style: _Style = "green" if record.answer is not None else "red"
        return ["", f"{self._in(style, ending(record))} · {' · '.join(fact for fact in facts if fact)}"]

    def _in(self, style: _Style, words: str) -> str:
        return f"\x1b[{_CODES[style]}m{words}\x1b[0m" if self._colour else words

    def _write(self, words: str) -> None:
        if self._gone:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(words.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):  # closed, or its reader went away
            self._gone = True


def _shown(text: str) -> list[str]:
    """Lines of a text fit for a terminal, cut in the middle of nothing but its length."""
    text = text.strip("\n")
    if not text.strip():
        return []
    lines = plain(text[:_MAX_CHARS]).split("\n")
    return lines if len(text) <= _MAX_CHARS else [*lines, f"… ({_MAX_CHARS:,} of {len(text):,} characters)"]


def _wants_colour(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
