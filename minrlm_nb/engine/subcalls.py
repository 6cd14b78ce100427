"""Answers what a running cell asks of the driver: sub-calls and ``FINAL``. Called from many threads at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias

from ..core import grounding
from ..core.config import RunConfig
from ..core.events import Event, SubCallFinished, SubCallStarted
from ..core.ledger import Ledger
from ..core.passages import SMALL_MODEL_READS, best_passages
from ..core.ports import Cancel, ChatModel, InputText
from ..core.prompts import sub_call
from ..core.records import Answer, InputFacts, Message, ModelRequest, Reads, RunRecord, SubCall, Usage
from ..errors import ModelError, RunStopped
from ..wire import CallReply, CallRequest, FailureKind

Child: TypeAlias = Callable[[str, InputText | None, Cancel], RunRecord]


class SubCalls:
    """The sub-calls of one run.

    Parameters
    ----------
    model, config, ledger
        Whom to ask, within which limits, and where it is counted.
    tell
        Takes the events; thread-safe.
    has_inputs
        Whether an answer must rest on an input.
    child
        Runs ``rlm`` when the depth allows it.
    """

    def __init__(
        self,
        model: ChatModel,
        config: RunConfig,
        ledger: Ledger,
        tell: Callable[[Event], None],
        has_inputs: bool,
        child: Child,
    ) -> None:
        self._model = model
        self._config = config
        self._ledger = ledger
        self._tell = tell
        self._has_inputs = has_inputs
        self._child = child
        self._gate = threading.BoundedSemaphore(config.sub_concurrency)
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._step = 0
        self._codes: list[str] = []
        self._answer: Answer | None = None
        self._calls: list[SubCall] = []
        self._raised: set[grounding.Objection] = set()
        self._closed = ""

    def begin(self, step: int, code: str) -> None:
        """A cell is about to run."""
        with self._lock:
            self._step = step
            self._codes.append(code)
            self._calls = []

    def close(self, why: str) -> None:
        """Refuse further sub-calls of this run, without counting them as refused by a limit."""
        self._closed = why

    def finish(self) -> tuple[Answer | None, tuple[SubCall, ...]]:
        """The cell ended: the answer if one was accepted, and the sub-calls in the order they were made."""
        with self._lock:
            return self._answer, tuple(sorted(self._calls, key=lambda call: call.id))

    def handle(self, request: CallRequest, cancel: Cancel) -> CallReply:
        """Answer one request of the cell; a `core.ports.CallHandler`."""
        if request["op"] == "final":
            return self._final(request)
        return self._ask(request, request["op"], cancel)

    def _final(self, request: CallRequest) -> CallReply:
        encoded = request["answer"]
        reads = Reads(**request.get("reads", {}))
        with self._lock:
            objection = grounding.objection(encoded["value"], self._codes, reads, self._has_inputs)
            if objection is not None and (objection in grounding.ALWAYS or objection not in self._raised):
                self._raised.add(objection)
                return _failed("rejected", grounding.EXPLANATIONS[objection])
            if self._answer is None:
                self._answer = Answer(encoded["value"], encoded.get("note", ""))
        return {"ok": True, "value": ""}

    def _ask(self, request: CallRequest, op: Literal["sub_llm", "rlm"], cancel: Cancel) -> CallReply:
        if refusal := self._closed or self._ledger.admit_sub_call():
            return _failed("budget", refusal)
        with self._lock:
            step = self._step
            number = next(self._ids)
        choices = request.get("choices")
        context = request.get("context", "")
        call = SubCall(number, op, request["task"], context, tuple(choices) if choices else None)
        self._tell(SubCallStarted(step, number, call.task, len(context)))
        began = time.monotonic()
        try:
            with self._gate:
                cancel.raise_if_stopped()
                if op == "rlm" and self._config.depth > 1:
                    reply, usage = self._run_child(call, cancel)
                else:
                    reply, usage = self._ask_model(call, cancel)
            call = replace(call, reply=reply, usage=usage)
            answer: CallReply = {"ok": True, "value": reply}
        except RunStopped:
            call = replace(call, error="given up, because its cell ended")
            answer = _failed("refused", call.error)
        except ModelError as error:
            call = replace(call, error=str(error))
            answer = _failed("model", str(error))
        call = replace(call, duration_s=time.monotonic() - began)
        with self._lock:
            self._calls.append(call)
        self._tell(SubCallFinished(step, call))
        return answer

    def _ask_model(self, call: SubCall, cancel: Cancel) -> tuple[str, Usage]:
        context = call.context
        if self._model.prompt_profile == "small":
            context = best_passages(context, call.task, SMALL_MODEL_READS)
        messages = sub_call.messages(call.task, context, call.choices)
        reply, usage = self._once(messages, cancel)
        if not call.choices:
            return reply, usage
        if (choice := sub_call.pick(reply, call.choices)) is None:
            again = (*messages, Message("assistant", reply), Message("user", sub_call.again(call.choices)))
            reply, more = self._once(again, cancel)
            usage += more
            if (choice := sub_call.pick(reply, call.choices)) is None:
                raise ModelError(f"the reply is none of the choices: {reply[:80]!r}; widen the choices")
        return choice, usage

    def _once(self, messages: tuple[Message, ...], cancel: Cancel) -> tuple[str, Usage]:
        request = ModelRequest(
            messages,
            max_output_tokens=self._config.max_output_tokens,
            temperature=self._config.temperature,
            reasoning_effort=self._config.reasoning_effort,
            timeout_s=max(0.001, self._ledger.remaining_s()),
        )
        reply = self._model.ask(request, cancel)
        self._ledger.pay(reply.usage)
        return reply.text, reply.usage

    def _run_child(self, call: SubCall, cancel: Cancel) -> tuple[str, Usage]:
        facts = InputFacts("input_0", "context", "", len(call.context), call.context.count("\n") + 1)
        context = InputText(call.context, facts) if call.context else None
        record = self._child(call.task, context, cancel)
        if record.answer is None:
            raise ModelError(f"the child run gave no answer ({record.error or record.stop_reason})")
        return record.answer.text, _own_usage(record)


def _own_usage(record: RunRecord) -> Usage:
    """What a child run used itself; its record's sum is that of the shared ledger."""
    total = Usage()
    for step in record.steps:
        total = sum((call.usage for call in step.sub_calls), total + step.usage)
    return total


def _failed(kind: FailureKind, why: str) -> CallReply:
    return {"ok": False, "kind": kind, "error": why}
