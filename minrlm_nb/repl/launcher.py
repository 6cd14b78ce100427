"""The one thread that starts and ends kernels.

On Linux a kernel is killed by the system when its parent dies, and there "parent" is the *thread* that forked
(prctl(2), PR_SET_PDEATHSIG). So every kernel is forked from a thread that lives as long as the process. It runs an
asyncio loop, as jupyter_client's managers and provisioners are coroutines.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Launcher:
    """A daemon thread with an event loop; `run` hands it a coroutine from any other thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="minrlm-launcher", daemon=True)
        self._thread.start()

    def run(self, work: Awaitable[T]) -> T:
        """Await something in the thread's loop and return its result."""
        assert threading.current_thread() is not self._thread, "the launcher can't wait for itself"

        async def wait() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result()

    def close(self) -> None:
        """End the thread. Kernels that still live die with it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()


_launcher: Launcher | None = None
_making = threading.Lock()


def shared_launcher() -> Launcher:
    """The process's launcher, started at first use."""
    global _launcher
    with _making:
        if _launcher is None:
            _launcher = Launcher()
        return _launcher


def close_launcher() -> None:
    """End the process's launcher, once no kernel lives; the next kernel starts another."""
    global _launcher
    with _making:
        launcher, _launcher = _launcher, None
    if launcher is not None:
        launcher.close()


def _forget_after_fork() -> None:
    """Threads don't survive a fork: the child starts its own launcher."""
    global _launcher, _making
    _launcher, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
