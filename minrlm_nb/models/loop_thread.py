"""An asyncio event loop on a thread of its own, for code whose callers block."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

JOIN_S = 5.0
"""Seconds that `LoopThread.close` waits for the thread; a daemon, it holds no interpreter back after that."""


class LoopThread:
    """Runs coroutines on a daemon thread; threads that call `submit` get a future to wait on.

    The thread ends with `close`, with the garbage collection of this object, or with the interpreter.

    Parameters
    ----------
    name
        Of the thread.
    first
        Called on the thread before anything else runs there, for example a slow import.
    last
        Awaited there after everything else has ended, for example to close connections. Neither may raise, and what
        they refer to lives as long as the thread.
    """

    def __init__(
        self,
        name: str,
        first: Callable[[], None] | None = None,
        last: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=_run, args=(self._loop, first, last), name=name, daemon=True)
        self._thread.start()
        # The thread holds the loop and never this object, so that a forgotten LoopThread ends as well.
        self._stop = weakref.finalize(self, _stop, self._loop, self._thread)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the loop; cancelling the future cancels it there.

        Raises
        ------
        RuntimeError
            After `close`.
        """
        with self._lock:  # what is submitted is in the loop's queue before `_stop` is
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise RuntimeError("the event loop thread is closed")

    def close(self) -> None:
        """Cancel what still runs, wait for it to unwind, end the thread. Harmless when called again."""
        with self._lock:
            self._closed = True
        self._stop()


def _run(
    loop: asyncio.AbstractEventLoop,
    first: Callable[[], None] | None,
    last: Callable[[], Coroutine[Any, Any, None]] | None,
) -> None:
    asyncio.set_event_loop(loop)
    try:
        if first is not None:
            first()
        loop.run_forever()
    finally:
        try:
            loop.run_until_complete(_unwind(last))
        finally:
            loop.close()


async def _unwind(last: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
    """Let every task see its cancellation and close what it holds, then the generators they left, then ``last``."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    if last is not None:
        await last()
    await asyncio.sleep(0)  # transports that were closed just now let go of their sockets in the next round


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(JOIN_S)
