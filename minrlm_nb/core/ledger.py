"""What a run has spent so far, counted from several threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .config import RunConfig
from .limits import Spent, calls_limit_hit, describe_limit
from .records import Usage


class Ledger:
    """Counts tokens, dollars and sub-calls of one run; every method may be called from any thread.

    A sub-call is admitted before it is sent and paid for when it is back, so calls that run side by side may
    overshoot a token or cost limit by what is under way.
    """

    def __init__(self, config: RunConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._usage = Usage()
        self._sub_calls = 0
        self._refused = 0

    def spent(self) -> Spent:
        """The sums at this moment."""
        with self._lock:
            return Spent(self._clock() - self._began, self._usage, self._sub_calls, self._refused)

    def remaining_s(self) -> float:
        """Seconds until ``max_time_s``, never below 0."""
        return max(0.0, self._config.max_time_s - (self._clock() - self._began))

    def pay(self, usage: Usage) -> None:
        """Add what a call used."""
        with self._lock:
            self._usage += usage

    def admit_sub_call(self) -> str:
        """Count a sub-call in; returns ``""``, or why it is refused."""
        spent = self.spent()
        with self._lock:
            limit = calls_limit_hit(self._config, spent)
            if limit is None and self._sub_calls >= self._config.max_sub_calls:
                limit = "sub_calls"
            if limit is None:
                self._sub_calls += 1
                return ""
            self._refused += 1
            return f"no more sub-calls: {describe_limit(self._config, limit)}; answer from what is known"
