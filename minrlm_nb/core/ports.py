"""What the engine needs from the world, as protocols that `models` and `repl` implement."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..errors import RunStopped
from ..wire import CallReply, CallRequest
from .records import CellResult, InputFacts, ModelReply, ModelRequest, Output

PromptProfile = Literal["frontier", "small"]
Delta = Callable[[str, bool], None]
"""``on_delta(text, is_reasoning)``, called as pieces of a reply come in."""


class Cancel:
    """A stop signal that any thread may set and the others watch.

    Whoever waits either polls `stopped`, waits with `wait`, or registers a callback with `on_stop`.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._event.is_set()

    def stop(self) -> None:
        """Set the signal and call what was registered, in this thread. Further calls do nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def wait(self, timeout_s: float) -> bool:
        """Wait up to that long; True if the signal is set."""
        return self._event.wait(timeout_s)

    def on_stop(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called at `stop` (at once if that was before); returns what takes it back."""
        with self._lock:
            if not self._event.is_set():
                key = self._next
                self._next += 1
                self._callbacks[key] = callback
                return lambda: self._forget(key)
        callback()
        return lambda: None

    def raise_if_stopped(self) -> None:
        """Raise `RunStopped` if the signal is set."""
        if self._event.is_set():
            raise RunStopped("the run was stopped")

    def _forget(self, key: int) -> None:
        with self._lock:
            self._callbacks.pop(key, None)


class ChatModel(Protocol):
    """A model behind a chat endpoint. Thread-safe: sub-calls ask it from many threads at once."""

    @property
    def name(self) -> str:
        """What the person sees, for example ``gpt-6-luna`` or ``local:1.5b``."""

    @property
    def prompt_profile(self) -> PromptProfile:
        """Which prompt the model gets."""

    @property
    def has_price(self) -> bool:
        """Whether replies carry a cost in dollars."""

    def ask(self, request: ModelRequest, cancel: Cancel, on_delta: Delta | None = None) -> ModelReply:
        """Ask once and wait for the reply; streams when ``on_delta`` is given.

        Raises
        ------
        ModelError
            When no usable reply could be had, the SDK's retries included.
        RunStopped
            At once when ``cancel`` is set, wherever the call stands.
        """

    def notices(self) -> list[str]:
        """Remarks collected since the last call (a refused parameter was dropped …); clears them."""

    def close(self) -> None:
        """Free connections and threads; harmless when called again."""


@dataclass(frozen=True)
class InputText:
    """An input as text, ready for a REPL kernel; ``facts`` names it."""

    text: str
    facts: InputFacts


CallHandler = Callable[[CallRequest, Cancel], CallReply]
"""Answers one request of a cell. Called from threads, several at once; must not raise. The `Cancel` is set when
the cell has ended or its time is up, so that no model call outlives its cell."""


class Repl(Protocol):
    """A REPL kernel as the engine uses it: one per run, calls from one thread."""

    @property
    def isolation(self) -> str:
        """The level achieved: ``docker``, ``bwrap``, ``landlock`` or ``none``."""

    @property
    def banner(self) -> str:
        """What the person must be told of the isolation; empty when there is nothing to warn of."""

    def start(self, task: str, inputs: Sequence[InputText], on_call: CallHandler) -> None:
        """Get a kernel ready and seed it. On a kernel already started: seed it anew, other variables stay.

        Raises
        ------
        KernelError
            If no kernel came up.
        """

    def execute(
        self, code: str, timeout_s: float, cancel: Cancel, on_output: Callable[[Output], None] | None = None
    ) -> CellResult:
        """Run one cell.

        A cell that outlives ``timeout_s`` (waiting for calls not counted) or the cancel signal is interrupted and, if
        it does not yield, killed with
        its kernel; then the kernel is restarted and re-seeded and the result says that variables were lost.

        Raises
        ------
        KernelError
            If the kernel is gone and could not be restarted.
        """

    def close(self) -> None:
        """End the kernel and remove its files; harmless when called again."""
