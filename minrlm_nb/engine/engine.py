"""Performs what the loop asks for, through ports, and tells the listeners.

One engine serves one run, in one thread; only sub-calls come in from other threads, through `SubCalls`.
"""

from __future__ import annotations

import functools
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from ..core.config import LAST_CELL_S, RunConfig
from ..core.events import (
    CellOutput,
    Event,
    Listener,
    ModelDelta,
    Notice,
    RunFinished,
    RunStarted,
    StepFinished,
)
from ..core.ledger import Ledger
from ..core.loop import AskModel, End, NoReply, Outcome, Ran, Replied, RunCell, StepDone, run_loop
from ..core.ports import Cancel, ChatModel, InputText, Repl
from ..core.prompts import Brief, PromptStyle, style_for
from ..core.records import CellResult, InputFacts, Message, ModelRequest, RunRecord, StopReason
from ..errors import KernelError, ModelError, ModelTimeoutError, RunStopped
from .subcalls import SubCalls

LAST_TURN_TOKENS = 1_000
"""Longest reply of a last turn that comes after a limit was hit."""


@dataclass(frozen=True)
class Job:
    """What a run is to do.

    Parameters
    ----------
    task
        The question.
    inputs
        The data; empty for pure computation.
    brief
        What the prompt may say of the inputs.
    history
        The conversation of the turns before, when this run continues one.
    facts
        Gives the inputs' facts with their sha256, waiting for those if need be; None leaves the sha256 out.
    """

    task: str
    inputs: tuple[InputText, ...] = ()
    brief: Brief = field(default_factory=Brief)
    history: tuple[Message, ...] = ()
    facts: Callable[[], tuple[InputFacts, ...]] | None = None


class Engine:
    """One run.

    Parameters
    ----------
    model, repl
        What answers and what runs the cells. The engine closes neither.
    config
        Limits and settings.
    listeners
        Called with every event, one at a time, mostly from the run's thread, for sub-calls from theirs. What a
        listener raises ends the run.
    cancel
        Set it to stop the run from any thread.
    new_repl
        Makes the kernel of a child run; needed when ``config.depth`` is above 1.
    """

    def __init__(
        self,
        model: ChatModel,
        repl: Repl,
        config: RunConfig,
        listeners: Sequence[Listener] = (),
        cancel: Cancel | None = None,
        new_repl: Callable[[], Repl] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.cancel = cancel or Cancel()
        self.messages: tuple[Message, ...] = ()
        self.model = model
        self.repl = repl
        self.config = config
        self._listeners = tuple(listeners)
        self._new_repl = new_repl
        self._ledger = ledger
        self._telling = threading.RLock()

    def run(self, job: Job) -> RunRecord:
        """Run to the end.

        Model and kernel failures end the run with their stop reason; the record keeps what was computed. Afterwards
        `messages` holds the conversation.
        """
        ledger = self._ledger or Ledger(self.config)
        began = time.monotonic()
        record = RunRecord(
            run_id=uuid.uuid4().hex[:12],
            task=job.task,
            inputs=tuple(i.facts for i in job.inputs),
            model=self.model.name,
            isolation=self.repl.isolation,
            config=self.config.as_dict(),
            started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        self.tell(RunStarted(record))
        style = style_for(self.model.prompt_profile)
        opening = self._opening(style, job)
        child = functools.partial(self._run_child, ledger)
        unread = bool(job.inputs) and not job.history  # an earlier turn has read them
        sub_calls = SubCalls(self.model, self.config, ledger, self.tell, unread, child)
        performer = _Performer(self, ledger, sub_calls, record, job.facts, began)
        if self.repl.banner:
            self.tell(Notice(self.repl.banner, "warning"))  # the record says it by its isolation
        try:
            self.repl.start(job.task, job.inputs, sub_calls.handle)
        except KernelError as error:
            end = End("kernel_error", None, opening, str(error))
        except RunStopped:
            end = End("stopped", None, opening)
        else:
            end = performer.drive(opening, style)
        self.messages = end.messages
        record = replace(
            performer.current(),
            answer=end.answer,
            stop_reason=end.stop_reason,
            error=end.error,
        )
        self.tell(RunFinished(record))
        return record

    def tell(self, event: Event) -> None:
        """Hand one event to every listener; safe from any thread."""
        with self._telling:
            for listener in self._listeners:
                listener(event)

    def _opening(self, style: PromptStyle, job: Job) -> tuple[Message, ...]:
        if job.history:
            return (*job.history, style.next_task(job.task, job.brief))
        return style.opening(job.task, job.brief)

    def _run_child(self, ledger: Ledger, task: str, context: InputText | None, cancel: Cancel) -> RunRecord:
        """A run inside a run: own kernel, same model, what is left of the same budget, one level less."""
        assert self._new_repl is not None
        config = replace(self.config, depth=self.config.depth - 1)
        repl = self._new_repl()
        try:
            child = Engine(self.model, repl, config, (), cancel, self._new_repl, ledger)
            inputs = () if context is None else (context,)
            described = "" if context is None else f"input_0: text of {len(context.text):,} characters"
            return child.run(Job(task, inputs, Brief(described, max_steps=config.max_steps)))
        finally:
            repl.close()


class _Performer:
    """Drives the loop of one run: each request is performed, each event told, the record kept up to date."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        sub_calls: SubCalls,
        record: RunRecord,
        facts: Callable[[], tuple[InputFacts, ...]] | None,
        began: float,
    ) -> None:
        self.record = record
        self._engine = engine
        self._ledger = ledger
        self._sub_calls = sub_calls
        self._facts = facts
        self._began = began

    def current(self) -> RunRecord:
        """The record with its sums brought up to date."""
        return replace(
            self.record,
            inputs=self._facts() if self._facts else self.record.inputs,
            usage=self._ledger.spent().usage,
            duration_s=time.monotonic() - self._began,
        )

    def drive(self, opening: tuple[Message, ...], style: PromptStyle) -> End:
        loop = run_loop(self._engine.config, style, opening)
        outcome: Outcome = None
        while True:
            try:
                request = loop.send(outcome)
            except StopIteration as stop:
                end: End = stop.value
                return end
            outcome = None
            if isinstance(request, AskModel):
                outcome = self._ask(request)
            elif isinstance(request, RunCell):
                outcome = self._run_cell(request)
            elif isinstance(request, StepDone):
                self.record = self.record.with_step(request.step)
                self.record = self.current()
                self._engine.tell(StepFinished(request.step, self.record))
            else:
                self.tell(request)

    def tell(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.record = replace(self.record, notices=(*self.record.notices, event.text))
        self._engine.tell(event)

    def _ask(self, request: AskModel) -> Replied | NoReply:
        engine, config = self._engine, self._engine.config
        model_request = ModelRequest(
            request.messages,
            max_output_tokens=config.max_output_tokens
            if request.limit is None
            else min(config.max_output_tokens or LAST_TURN_TOKENS, LAST_TURN_TOKENS),
            temperature=config.temperature,
            reasoning_effort=config.reasoning_effort,
            timeout_s=config.last_turn_s if request.limit == "time" else max(0.001, self._ledger.remaining_s()),
        )
        try:
            reply = engine.model.ask(
                model_request,
                engine.cancel,
                lambda text, reasoning: engine.tell(ModelDelta(request.number, text, reasoning)),
            )
        except RunStopped:
            return NoReply("stopped", self._ledger.spent())
        except ModelError as error:
            spent = self._ledger.spent()
            if isinstance(error, ModelTimeoutError) and spent.elapsed_s >= config.max_time_s:
                return NoReply("time", spent)
            return NoReply("model_error", spent, str(error))
        finally:
            for notice in engine.model.notices():
                self.tell(Notice(notice))
        self._ledger.pay(reply.usage)
        return Replied(reply, self._ledger.spent())

    def _run_cell(self, request: RunCell) -> Ran:
        engine, config = self._engine, self._engine.config
        if request.last:
            self._sub_calls.close("no sub-calls in the last turn; answer from what is known")
            available = max(self._ledger.remaining_s(), LAST_CELL_S)
        else:
            available = self._ledger.remaining_s()
        self._sub_calls.begin(request.number, request.code)
        stopped: StopReason | None = None
        error = ""
        # Waiting for sub-calls does not count against the cell's own time, so the run's time needs a clock of its own.
        cell_cancel = Cancel()
        forget = engine.cancel.on_stop(cell_cancel.stop)
        timer = threading.Timer(available, cell_cancel.stop)
        timer.daemon = True
        timer.start()
        try:
            result = engine.repl.execute(
                request.code,
                min(config.cell_timeout_s, available),
                cell_cancel,
                lambda output: engine.tell(CellOutput(request.number, output)),
            )
        except KernelError as failure:
            result, stopped, error = CellResult("died", notices=(str(failure),)), "kernel_error", str(failure)
        finally:
            timer.cancel()
            forget()
        answer, calls = self._sub_calls.finish()
        if engine.cancel.stopped and answer is None:
            stopped = "stopped"
        return Ran(result, self._ledger.spent(), answer, calls, stopped, error)


def explain(record: RunRecord) -> str:
    """One sentence on how a run ended, for people; empty when it simply answered."""
    if record.stop_reason in (None, "answered"):
        return ""
    got = "answered in the last turn" if record.answer is not None else "no answer"
    reason = record.error or {
        "max_steps": "all steps are used; raise --max-steps",
        "time": "the time ran out; raise --max-time",
        "tokens": "the token limit was reached; raise --max-tokens",
        "cost": "the cost limit was reached; raise --max-cost",
        "sub_calls": "the sub-call limit was reached; raise --max-sub-calls",
        "stopped": "the run was stopped",
    }.get(str(record.stop_reason), str(record.stop_reason))
    return f"{got}: {reason}"
