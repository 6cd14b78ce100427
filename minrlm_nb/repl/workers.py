"""Daemon threads that run jobs: started when needed, gone at `close`, never in the way of the interpreter's exit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]


class Workers:
    """Runs jobs in up to ``most`` threads.

    ``concurrent.futures`` would not do: the interpreter waits for its threads at exit, and a model call that hangs
    would hang it too.
    """

    def __init__(self, name: str, most: int = 64) -> None:
        self._name = name
        self._most = most
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, job: Job) -> None:
        """Have the job run in a thread. Jobs submitted after `close` are dropped."""
        with self._lock:
            if self._closed:
                return
            self._jobs.put(job)
            if self._idle.acquire(blocking=False):
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """End the threads, waiting that long altogether for jobs under way; what still runs then runs out unseen."""
        with self._lock:
            self._closed = True
            threads = self._threads
        for _ in threads:
            self._jobs.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                self._idle.release()
                job = self._jobs.get()
            if job is None:
                return
            job()
