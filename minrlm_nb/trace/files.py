"""A trace's file: its name, how it is replaced, and the thread that keeps it up to date."""

from __future__ import annotations

import itertools
import os
import re
import threading
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..core.records import RunRecord
from ..errors import TraceError
from .build import NotebookBuilder, TracedRun

_SLUG_CHARS: Final = 48
_SETTLE_S: Final = 0.01
"""Seconds a change waits for the next one before it is written."""

_LINGER_S: Final = 0.5
"""Seconds the writing thread stays when there is nothing to write."""

_serial = itertools.count()


class Saver:
    """Brings a file up to date in a thread of its own, so that a slow disk never holds up a run.

    What is put while a write is under way waits, and only the latest, since it holds everything before. The thread
    stays a moment after each write, for the next; the interpreter does not exit before everything is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed = threading.Condition()
        self._waiting: Sequence[TracedRun] | None = None
        self._working = False
        self._flushing = False
        self._saved = False
        self._problem: TraceError | None = None
        self._builder = NotebookBuilder()  # used by the one thread that is working

    @property
    def saved(self) -> bool:
        """Whether the file was ever written."""
        with self._changed:
            return self._saved

    @property
    def problem(self) -> TraceError | None:
        """Why the last write failed; None when it did not."""
        with self._changed:
            return self._problem

    def put(self, runs: Sequence[TracedRun]) -> None:
        """Have these runs written soon; returns at once."""
        with self._changed:
            self._waiting = runs
            self._changed.notify_all()
            if self._working:
                return
            self._working = True
        try:
            threading.Thread(target=self._work, name="minrlm-trace").start()
        except RuntimeError:  # no thread to be had: too many, or the interpreter is shutting down
            self._work()

    def flush(self) -> None:
        """Wait until everything put so far is written, or failed to be."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: not self._working)
            finally:
                self._flushing = False

    def _work(self) -> None:
        try:
            while (runs := self._take()) is not None:
                problem = self._write(runs)
                with self._changed:
                    self._saved, self._problem = self._saved or problem is None, problem
        finally:
            with self._changed:
                self._working = False
                self._changed.notify_all()

    def _take(self) -> Sequence[TracedRun] | None:
        """Wait for something to write and let it settle; None when nothing came for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._flushing, _LINGER_S)
            self._changed.wait_for(lambda: self._flushing, _SETTLE_S)
            runs, self._waiting = self._waiting, None
            if runs is None:
                self._working = False  # in the same breath, so that a `put` from now on starts a new thread
            return runs

    def _write(self, runs: Sequence[TracedRun]) -> TraceError | None:
        try:
            write_atomically(self.path, self._builder.text(runs))
        except OSError as error:
            return TraceError(f"{_cannot(self.path, error)}; the run goes on without it")
        except TraceError as error:
            return error
        return None


def write_atomically(path: Path, text: str) -> None:
    """Put a text in place of a file: readers, and a crash at any moment, leave the old or the new one, never a part.

    Raises
    ------
    OSError
        If the folder can't be made or the file can't be written; an existing file stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / f".minrlm-{os.getpid()}-{next(_serial)}.tmp"
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def save_text(path: Path, text: str) -> None:
    """`write_atomically` for a file that someone asked for.

    Raises
    ------
    TraceError
        If the file can't be written.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise TraceError(f"{_cannot(path, error)}; name another path") from error


def default_path(folder: Path, record: RunRecord) -> Path:
    """Name a trace after its start, its task and its run: safe on every file system, sorted by date.

    For example ``2026-11-22T12-44-05-how-many-error-lines-3f9a1c.ipynb``.
    """
    start = re.sub(r"[^0-9T-]", "-", record.started_at[:19]).strip("-")
    ascii_task = unicodedata.normalize("NFKD", record.task[:400]).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^a-z0-9]+", "-", ascii_task.lower()).strip("-")
    if len(words) > _SLUG_CHARS:
        words = words[: _SLUG_CHARS + 1].rpartition("-")[0] or words[:_SLUG_CHARS]
    run = re.sub(r"[^A-Za-z0-9]", "", record.run_id)[:6]
    return folder / ("-".join(part for part in (start, words, run) if part) + ".ipynb")


def _cannot(path: Path, error: OSError) -> str:
    return f"the trace can't be written to {path}: {error.strerror or error}"
