"""A run on a thread of its own, and the waiting for it that an interrupt can end."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..core.ports import Cancel

STOP_GRACE_S = 10.0
"""Seconds a stopped run gets to end its cell and save its trace."""

T = TypeVar("T")


class Running(Generic[T]):
    """Work under way.

    Parameters
    ----------
    work
        Called once, on a thread of its own, in a copy of the caller's context (so that a notebook's output stays in
        its cell).
    cancel
        The signal that makes ``work`` end early.
    """

    def __init__(self, work: Callable[[], T], cancel: Cancel) -> None:
        self.cancel = cancel
        self._work = work
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        self._on_done: Callable[[], None] = lambda: None
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="minrlm-run", daemon=True)

    def start(self, on_done: Callable[[], None] = lambda: None) -> Running[T]:
        """Begin; ``on_done`` is called on the work's thread when it is over."""
        self._on_done = on_done
        self._thread.start()
        return self

    def wait(self, tick: Callable[[], None] | None = None, every_s: float = 0.1) -> T:
        """Wait for the result in the calling thread.

        Parameters
        ----------
        tick
            Called about every ``every_s`` seconds while waiting.

        Raises
        ------
        KeyboardInterrupt
            After the run was stopped and has ended; `result` then holds what there is.
        """
        try:
            while not self._done.wait(every_s):
                if tick is not None:
                    tick()
        except BaseException:
            self.cancel.stop()
            self._done.wait(STOP_GRACE_S)
            raise
        self._thread.join()
        return self.result()

    def result_if_any(self) -> T | None:
        """What the work has returned, or None while it goes on or after it failed."""
        return self._result

    def result(self) -> T:
        """What the finished work returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise RuntimeError("the run has not ended")
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # handed to whoever waits
            self._error = error
        finally:
            self._done.set()
            self._on_done()
