"""Drives a session as the engine does, with a handler that answers calls by rule."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from minrlm_nb.core.ports import CallHandler, Cancel
from minrlm_nb.core.records import CellResult, Output
from minrlm_nb.repl.inputs import as_inputs
from minrlm_nb.repl.session import ReplSession
from minrlm_nb.wire import CallReply, CallRequest


class EchoModel:
    """Answers a sub-call with its task in capitals; keeps all it was asked.

    A task ``sleep N`` takes N seconds or until the cell is over.
    """

    def __init__(self) -> None:
        self.requests: list[CallRequest] = []
        self.abandoned = threading.Event()

    def __call__(self, request: CallRequest, cancel: Cancel) -> CallReply:
        self.requests.append(request)
        number = request["id"]
        if request["op"] == "final":
            return {"id": number, "ok": True, "value": ""}
        if request["task"].startswith("sleep ") and cancel.wait(float(request["task"].split()[1])):
            self.abandoned.set()
            return {"id": number, "ok": False, "kind": "refused", "error": "the cell has ended"}
        return {"id": number, "ok": True, "value": request["task"].upper()}


class Driven:
    """A session with its echo model."""

    def __init__(self, session: ReplSession) -> None:
        self.session = session
        self.model = EchoModel()

    def start(self, task: str = "the task", context: object = "the input", on_call: CallHandler | None = None) -> None:
        self.model = EchoModel()
        self.session.start(task, as_inputs(context), on_call or self.model)

    def run(
        self,
        code: str,
        timeout_s: float = 30.0,
        cancel: Cancel | None = None,
        on_output: Callable[[Output], None] | None = None,
    ) -> CellResult:
        return self.session.execute(code, timeout_s, cancel or Cancel(), on_output)

    def shows(self, code: str) -> str:
        """What a cell that must succeed shows, all outputs joined."""
        result = self.run(code)
        assert result.status == "ok", result
        return "".join(output.text for output in result.outputs)

    def assert_usable(self) -> None:
        """The next cell answers, and task, input and helpers are there."""
        assert self.shows("6 * 7") == "42"
        assert (
            self.shows("print(task_0, len(input_0), callable(search), callable(sub_llm))") == "the task 9 True True\n"
        )
        assert self.shows("sub_llm('still here')") == "'STILL HERE'"


class NewRepl(Protocol):
    """Makes a started session."""

    def __call__(self, task: str = ..., context: object = ..., **options: object) -> Driven: ...


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for something that happens elsewhere; fails if it does not."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
