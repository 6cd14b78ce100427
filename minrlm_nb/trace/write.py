"""Keeps the trace of a run on disk while it goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..core.events import (
    CellFinished,
    CellStarted,
    Event,
    ModelReplied,
    RunFinished,
    RunStarted,
    StepFinished,
    SubCallFinished,
)
from ..core.records import RunRecord, Step
from ..errors import TraceError
from ..profile import InputProfile
from .build import NotebookBuilder, TracedRun
from .files import Saver, default_path, save_text


class TraceWriter:
    """A listener that saves the run as a notebook: when it begins, when a cell starts, after every step, at the end.

    Writing happens beside the run; the end of the run waits for it. So a crash loses at most the step in flight, and
    of that only what came after its cell had started. A later run told to the same writer becomes a further turn of
    the same notebook. Failing to write ends no run: the error is kept in `problem`, told to ``on_problem`` with the
    next event, and the next save tries again. Events come one at a time.

    Parameters
    ----------
    path : path or None
        The file; its folder is made when needed, an existing file is replaced.
    folder : path or None
        Where to put a file named after date and task, when ``path`` is None. With neither, nothing is written and
        only `notebook` is kept.
    profiles : sequence of InputProfile
        Of the run's inputs, for the heat strips. Set `profiles` anew before a turn on other inputs.
    on_problem : callable or None
        Told each new reason why the trace can't be written, in the thread of an event.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        profiles: Sequence[InputProfile] = (),
        on_problem: Callable[[TraceError], None] | None = None,
    ) -> None:
        self.profiles = tuple(profiles)
        self.on_problem = on_problem
        self._saver = None if path is None else Saver(Path(path).expanduser())
        self._folder = None if folder is None else Path(folder).expanduser()
        self._told = ""
        self._runs: tuple[TracedRun, ...] = ()
        self._step: Step | None = None

    @property
    def path(self) -> Path | None:
        """The file, once it was written; None before, and when nothing is to be written."""
        return self._saver.path if self._saver is not None and self._saver.saved else None

    @property
    def problem(self) -> TraceError | None:
        """Why the last save failed; None when it did not."""
        return None if self._saver is None else self._saver.problem

    @property
    def notebook(self) -> NotebookNode:
        """The trace so far.

        Raises
        ------
        TraceError
            If no run has begun.
        """
        return NotebookBuilder().notebook(self._current())

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, RunStarted):
            self._begin(event.record)
        elif isinstance(event, (StepFinished, RunFinished)):
            self._step = None
            self._runs = (*self._runs[:-1], replace(self._runs[-1], record=event.record))
            self._save()
            if isinstance(event, RunFinished) and self._saver is not None:
                self._saver.flush()
        elif isinstance(event, ModelReplied):
            reply = event.reply
            self._step = Step(
                event.number, event.reasoning, event.code, reply.text, usage=reply.usage, model_s=reply.duration_s
            )
        elif self._step is not None:
            self._follow(self._step, event)
        self._tell_problem()

    def _begin(self, record: RunRecord) -> None:
        self._step = None
        if self._saver is None and self._folder is not None:
            self._saver = Saver(default_path(self._folder, record))
        self._runs = (*self._runs, TracedRun(record, self.profiles))
        self._save()

    def _follow(self, step: Step, event: Event) -> None:
        """Keep what is known of a step under way; saved when its cell starts, so that the reply outlives a crash."""
        if isinstance(event, CellStarted):
            self._step = replace(step, code=event.code)
            self._save()
        elif isinstance(event, SubCallFinished):
            self._step = replace(step, sub_calls=(*step.sub_calls, event.call))
        elif isinstance(event, CellFinished):
            self._step = replace(step, result=event.result)

    def _current(self) -> tuple[TracedRun, ...]:
        if self._step is None:
            return self._runs
        last = self._runs[-1]
        return (*self._runs[:-1], replace(last, record=last.record.with_step(self._step)))

    def _save(self) -> None:
        if self._saver is not None:
            self._saver.put(self._current())

    def _tell_problem(self) -> None:
        problem = self.problem
        told, self._told = self._told, "" if problem is None else str(problem)
        if problem is not None and self._told != told and self.on_problem is not None:
            self.on_problem(problem)


def save_notebook(notebook: NotebookNode, path: str | os.PathLike[str]) -> None:
    """Write a notebook atomically; the folder is made when needed.

    Raises
    ------
    TraceError
        If the file can't be written.
    """
    save_text(Path(path).expanduser(), nbformat.writes(notebook) + "\n")
