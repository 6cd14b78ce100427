"""One warm kernel per isolation level, so that a run starts in milliseconds.

A kernel is used for one run and then ended, never handed on: every run begins with a fresh namespace.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable

from ..errors import KernelError
from ..isolation import Level
from ..isolation.environment import minimal_environment
from .kernel import LiveKernel
from .launcher import close_launcher

REFILL_DELAY_S = 0.25
"""A new warm kernel is started that long after the last one was taken and seeded, not to compete with a first cell."""

Launch = Callable[[Level, threading.Event], LiveKernel]


def _launch(level: Level, abandon: threading.Event) -> LiveKernel:
    return LiveKernel(level, "socket", abandon)


class KernelPool:
    """Keeps a started kernel at hand. Thread-safe.

    Parameters
    ----------
    launch
        Starts a kernel; gives up when the event is set.
    """

    def __init__(self, launch: Launch = _launch) -> None:
        self._launch = launch
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._warming: dict[str, _Warming] = {}

    def warm(self, level: Level, delay_s: float = 0.0) -> None:
        """Have a kernel started in the background, unless one is there or on its way.

        Parameters
        ----------
        level
            The kernel's isolation level.
        delay_s
            Seconds until it is started.
        """
        with self._lock:
            if level.name not in self._warming:
                self._warming[level.name] = _Warming(self._launch, level, delay_s)

    def wait(self, level: Level) -> bool:
        """Wait until the kernel that was asked for is warm; False if there is none or it failed to start."""
        with self._lock:
            warming = self._warming.get(level.name)
        return warming is not None and warming.peek() is not None

    def take(self, level: Level) -> LiveKernel:
        """A kernel that no run has used: the warm one, the one on its way, or a new one.

        Raises
        ------
        KernelError
            If none could be started.
        """
        with self._lock:
            warming = self._warming.pop(level.name, None)
        kernel = warming.take() if warming is not None else None
        if kernel is not None:
            if kernel.alive and kernel.environment == minimal_environment(os.environ):
                return kernel
            kernel.close()
        return self._launch(level, threading.Event())

    def close(self) -> None:
        """End the warm kernels. The pool can be used again afterwards."""
        if os.getpid() != self._owner:  # a forked child at its end: the kernels are its parent's
            return
        with self._lock:
            warmings, self._warming = list(self._warming.values()), {}
        for warming in warmings:
            warming.abandon.set()
        for warming in warmings:
            if (kernel := warming.take()) is not None:
                kernel.close()


class _Warming:
    """A kernel that is being started by a thread of its own."""

    def __init__(self, launch: Launch, level: Level, delay_s: float) -> None:
        self.abandon = threading.Event()
        self._wanted = threading.Event()
        self._launch, self._level, self._delay_s = launch, level, delay_s
        self._kernel: LiveKernel | None = None
        self._thread = threading.Thread(target=self._start, name="minrlm-warm", daemon=True)
        self._thread.start()

    def take(self) -> LiveKernel | None:
        """The kernel, waited for without further delay; None if it did not start."""
        self._wanted.set()
        return self.peek()

    def peek(self) -> LiveKernel | None:
        self._thread.join()
        return self._kernel

    def _start(self) -> None:
        self._wanted.wait(self._delay_s)
        if self.abandon.is_set():
            return
        try:
            self._kernel = self._launch(self._level, self.abandon)
        except KernelError:
            # Nobody asked for this one yet. Who does will start one, and see the error if it persists.
            self._kernel = None


_shared = KernelPool()


def shared_pool() -> KernelPool:
    """The process's pool."""
    return _shared


def close_all() -> None:
    """End every warm kernel and the thread that starts kernels. Sessions must be closed before."""
    _shared.close()
    close_launcher()


def _forget_after_fork() -> None:
    """The warm kernels belong to the parent process."""
    global _shared
    _shared = KernelPool()


atexit.register(_shared.close)
os.register_at_fork(after_in_child=_forget_after_fork)
