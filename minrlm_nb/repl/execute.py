"""Runs one cell on a kernel: sends it, watches sockets, process and clock, and says how it ended.

The kernel may be hostile, dead, deaf or flooding; whatever it does, `CellRun.run` comes back in time and never raises
because of it. Runs in the engine's thread, which owns the kernel's sockets meanwhile.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..core.ports import CallHandler, Cancel
from ..core.records import CellError, CellStatus, Output
from ..errors import KernelError
from ..wire import STDIN_CALL_PREFIX, CallReply, WireError
from .channels import Message
from .kernel import LiveKernel
from .outputs import OutputCaps, Outputs, read_error
from .report import Report, read_report
from .requests import refusal

GRACE_S: Final = 1.5
"""How long a cell may take to yield to an interrupt before its kernel is killed."""

LOOK_S: Final = 0.05
"""Least time between two looks at a cell's clock."""

INTERRUPT_EVERY_S: Final = 0.5
"""An interrupt may come before the cell has begun, or be swallowed once; within the grace it is repeated."""

SETTLE_S: Final = 0.25
"""After the reply, how long to wait for the rest of the output (the kernel says ``idle`` behind it)."""

ANSWER_AGAIN_S: Final = 2.0
"""After an interrupt, how long the kernel may take to answer before it counts as stuck."""

_END_OF_FILE: Final = "\x04"
"""Makes ``input()`` in the kernel raise EOFError."""


@dataclass(frozen=True)
class CellEnd:
    """How a cell ended; ``kernel_lost`` says why its kernel is no longer fit for use, empty when it is."""

    status: CellStatus
    outputs: tuple[Output, ...]
    error: CellError | None
    report: Report
    duration_s: float
    notices: tuple[str, ...]
    kernel_lost: str = ""


class CellRun:
    """One cell on its way through a kernel; `run` once.

    Parameters
    ----------
    kernel
        Alive and idle.
    code
        The cell.
    timeout_s
        Seconds until it is interrupted, the time in which a call of its is under way not counted.
    cancel
        Interrupts it when set.
    on_call
        Answers its calls.
    caps
        How much output is kept.
    on_output
        Told of each output as it comes.
    """

    def __init__(
        self,
        kernel: LiveKernel,
        code: str,
        timeout_s: float,
        cancel: Cancel,
        on_call: CallHandler,
        caps: OutputCaps,
        on_output: Callable[[Output], None] | None = None,
    ) -> None:
        self._kernel = kernel
        self._code = code
        self._timeout_s = timeout_s
        self._cancel = cancel
        self._on_call = on_call
        self._outputs = Outputs(caps, on_output)
        self._replies: queue.SimpleQueue[CallReply] = queue.SimpleQueue()
        self._request = ""
        self._reply: Message | None = None
        self._idle = False
        self._why: CellStatus | None = None
        self._interrupted_at = self._last_interrupt = 0.0
        self._kernel_lost = ""

    def run(self) -> CellEnd:
        """Run the cell to its end, whatever that is."""
        began = time.monotonic()
        forget = self._cancel.on_stop(self._kernel.wake)
        self._kernel.desk.open(self._on_call)
        try:
            self._request = self._kernel.send("shell", "execute_request", self._content())
            self._watch(began)
            self._settle()
        finally:
            forget()
            self._kernel.desk.shut()
        duration_s = time.monotonic() - began
        if self._interrupted_at and not self._kernel_lost:
            self._wait_until_it_answers()
        return self._end(duration_s)

    def _content(self) -> dict[str, Any]:
        return {
            "code": self._code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": self._kernel.call_transport == "stdin",
            "stop_on_error": False,  # or requests that came behind a failed cell would be answered `aborted`
        }

    # -- while it runs ----------------------------------------------------------------------------------------

    def _watch(self, began: float) -> None:
        """Until the reply is there or the kernel is lost. Time spent waiting for calls is not the cell's own."""
        while self._reply is None and not self._kernel_lost:
            self._take_messages()
            if self._reply is not None:
                return
            if (cause := self._kernel.death) is not None:
                self._lose(cause)
            elif self._outputs.flooded:
                self._kernel.kill()
                self._lose("it flooded the driver with output and was killed")
            elif self._why is None and self._cancel.stopped:
                self._interrupt("interrupted")
            elif self._why is None and self._left_s(began) <= 0:
                self._interrupt("timeout")
            elif self._why is not None:
                self._press()
            if not self._kernel_lost:
                self._kernel.wait(self._until_next_look_s(began))

    def _left_s(self, began: float) -> float:
        """Seconds that the cell may still take."""
        return self._timeout_s - (time.monotonic() - began - self._kernel.desk.waited_s)

    def _until_next_look_s(self, began: float) -> float:
        if self._why is None:
            return max(self._left_s(began), LOOK_S)  # what is left does not shrink while a call is under way
        return min(self._interrupted_at + GRACE_S, self._last_interrupt + INTERRUPT_EVERY_S) - time.monotonic()

    def _interrupt(self, why: CellStatus) -> None:
        self._why = why
        self._interrupted_at = time.monotonic()
        self._kernel.desk.shut()
        self._send_interrupt()

    def _press(self) -> None:
        """The cell was interrupted and still runs: interrupt it again, kill it when its grace is over."""
        now = time.monotonic()
        if now >= self._interrupted_at + GRACE_S:
            self._kernel.kill()
            self._lose(f"it did not yield to the interrupt within {GRACE_S:g} s and was killed")
        elif now >= self._last_interrupt + INTERRUPT_EVERY_S:
            self._send_interrupt()

    def _send_interrupt(self) -> None:
        self._last_interrupt = time.monotonic()
        self._kernel.send("control", "interrupt_request", {})

    def _lose(self, why: str) -> None:
        """The kernel is gone; take what it had still sent."""
        self._kernel_lost = why
        self._take_messages()

    # -- messages ---------------------------------------------------------------------------------------------

    def _take_messages(self) -> None:
        while not self._replies.empty():
            self._answer_input(json.dumps(self._replies.get()))
        for message in self._kernel.received():
            belongs = message.parent == self._request
            if message.channel == "iopub":
                self._outputs.take(message, belongs)
                if belongs and message.type == "status":
                    self._idle = message.content.get("execution_state") == "idle"
            elif message.channel == "shell" and belongs and message.type == "execute_reply":
                self._reply = message
            elif message.channel == "stdin" and message.type == "input_request":  # a thread's may name no parent
                self._take_input_request(message)

    def _take_input_request(self, message: Message) -> None:
        prompt = message.content.get("prompt")
        if not isinstance(prompt, str) or not prompt.startswith(STDIN_CALL_PREFIX):
            self._answer_input(_END_OF_FILE)
            return
        try:
            raw = json.loads(prompt[len(STDIN_CALL_PREFIX) :])
            if not isinstance(raw, dict):
                raise WireError("a call must be an object")
            self._kernel.desk.take(raw, message.size, self._reply_later)
        except (ValueError, RecursionError) as error:  # WireError is a ValueError
            self._answer_input(json.dumps(refusal(0, "bad_request", str(error))))

    def _reply_later(self, reply: CallReply) -> None:
        """Called in a worker thread; the socket is the engine thread's."""
        self._replies.put(reply)
        self._kernel.wake()

    def _answer_input(self, value: str) -> None:
        self._kernel.send("stdin", "input_reply", {"value": value, "status": "ok"})

    # -- the end ----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Outputs travel on another socket than the reply; wait shortly for those behind it."""
        until = time.monotonic() + SETTLE_S
        while not (self._idle or self._kernel_lost or self._outputs.flooded) and time.monotonic() < until:
            self._take_messages()
            if not self._idle:
                self._kernel.wait(until - time.monotonic())
        self._take_messages()

    def _wait_until_it_answers(self) -> None:
        """An interrupt may still be on its way when the cell is over; it must not hit the next one."""
        try:
            self._kernel.ask("interrupt_request", {}, ANSWER_AGAIN_S, channel="control")
            self._kernel.ask("kernel_info_request", {}, ANSWER_AGAIN_S)
        except KernelError:
            self._kernel.kill()
            self._kernel_lost = "it did not answer after the interrupt and was killed"

    def _end(self, duration_s: float) -> CellEnd:
        if not self._kernel_lost:
            self._kernel_lost = self._broken_channel()
        report = read_report(self._reply.metadata) if self._reply is not None else Report()
        status, error = self._verdict(report.error_line)
        return CellEnd(
            status=status,
            outputs=self._outputs.collected,
            error=error,
            report=report,
            duration_s=duration_s,
            notices=(*report.notices, *self._outputs.notices),
            kernel_lost=self._kernel_lost,
        )

    def _broken_channel(self) -> str:
        """What the cell did to the channels; with one of them gone, the kernel is of no use and is killed."""
        why = ""
        if broken := self._kernel.broken_calls:
            why = f"its call channel can't be used any more: {broken}"
        elif not self._idle:
            try:
                if not self._kernel.publishes(ANSWER_AGAIN_S):
                    why = "its outputs do not arrive any more"
            except KernelError as error:
                why = str(error)
        if why:
            self._kernel.kill()
        return why

    def _verdict(self, line: int | None) -> tuple[CellStatus, CellError | None]:
        raised: CellError | None = None
        if self._reply is not None and self._reply.content.get("status") != "ok":
            raised = read_error(self._reply.content, line)
        if self._why is not None:
            traceback, line = (raised.traceback, raised.line) if raised else ("", None)
            return self._why, CellError(*self._stopped(), traceback, line)
        if self._reply is None:
            return "died", CellError("KernelDied", f"the cell ended its kernel: {self._kernel_lost}")
        return ("ok", None) if raised is None else ("error", raised)

    def _stopped(self) -> tuple[str, str]:
        """Name and text of the error of a cell that we stopped."""
        if self._why == "timeout":
            return "CellTimeout", f"the cell ran longer than {self._timeout_s:g} s (--cell-timeout) and was stopped"
        return "CellInterrupted", "the run was stopped, and the cell with it"
