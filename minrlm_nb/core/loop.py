"""The loop of a run, as a generator that asks for what it wants and never touches the world.

It yields `AskModel` and `RunCell` and is sent their outcomes; it yields an event to have it told to the listeners
and is sent None. What it returns is the end of the run. Whoever drives it performs the requests: the engine does so
with a model and a REPL kernel, a test with a list of outcomes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .config import RunConfig
from .events import CellFinished, CellStarted, Event, ModelReplied, Notice, StepStarted
from .feedback import GO_ON
from .limits import Spent, describe_limit, limit_hit, warnings_for_model
from .parse import ParsedReply, join_continuation, parse_reply
from .prompts import PromptStyle
from .records import Answer, CellResult, Message, ModelReply, Step, StopReason, SubCall, Usage

MOST_CONTINUATIONS = 2
"""How often a cut reply is asked to go on before its code runs as it is."""


@dataclass(frozen=True)
class AskModel:
    """Ask the model; answered by `Replied` or `NoReply`. ``limit`` is the one that made this the last turn."""

    number: int
    messages: tuple[Message, ...]
    limit: StopReason | None = None


@dataclass(frozen=True)
class RunCell:
    """Run a cell; answered by `Ran`."""

    number: int
    code: str
    last: bool


@dataclass(frozen=True)
class StepDone:
    """A step is complete; answered by None."""

    step: Step


@dataclass(frozen=True)
class Replied:
    """The model's reply, and what the run has spent by now."""

    reply: ModelReply
    spent: Spent


@dataclass(frozen=True)
class NoReply:
    """No reply came: the time ran out, the owner stopped the run, or the model failed (``error``)."""

    reason: StopReason
    spent: Spent
    error: str = ""


@dataclass(frozen=True)
class Ran:
    """What the cell did, the answer it gave if it did, and the sub-calls it made."""

    result: CellResult
    spent: Spent
    answer: Answer | None = None
    sub_calls: tuple[SubCall, ...] = ()
    stopped: StopReason | None = None
    error: str = ""


@dataclass(frozen=True)
class End:
    """How a run ended; ``messages`` is the whole conversation, for a run that continues it."""

    stop_reason: StopReason
    answer: Answer | None
    messages: tuple[Message, ...]
    error: str = ""


Request: TypeAlias = AskModel | RunCell | StepDone | Event
Outcome: TypeAlias = Replied | NoReply | Ran | None
Loop: TypeAlias = Generator[Request, Outcome, End]


@dataclass
class _Turn:
    """The state of one run; lives inside the generator only."""

    config: RunConfig
    style: PromptStyle
    messages: list[Message]
    limit: StopReason | None = None
    cells: int = 0
    spent: Spent = field(default_factory=Spent)

    def end(self, reason: StopReason, answer: Answer | None = None, error: str = "") -> End:
        return End(reason, answer, tuple(self.messages), error)


def run_loop(config: RunConfig, style: PromptStyle, messages: tuple[Message, ...]) -> Loop:
    """Run until an answer, a limit, a stop or an error.

    Parameters
    ----------
    config
        Limits.
    style
        The wording of everything after the opening.
    messages
        The conversation that opens the run: system and first user message, after earlier turns if there were any.
    """
    turn = _Turn(config, style, list(messages))
    for number in range(1, config.max_steps + 1):
        yield StepStarted(number, number == config.max_steps or turn.limit is not None)
        asked = yield from _ask(turn, number)
        if isinstance(asked, End):
            return asked
        last = number == config.max_steps or turn.limit is not None
        reply, parsed, usage, seconds = asked
        yield ModelReplied(number, reply, parsed.reasoning, parsed.code)
        step = Step(number, parsed.reasoning, parsed.code, reply.text, usage=usage, model_s=seconds)
        if not parsed.code:
            yield StepDone(step)
            follow_up = style.after_no_code()
        else:
            yield CellStarted(number, parsed.code)
            ran = yield RunCell(number, parsed.code, last)
            assert isinstance(ran, Ran)
            turn.cells += 1
            turn.spent = ran.spent
            yield CellFinished(number, ran.result)
            yield StepDone(replace(step, result=ran.result, sub_calls=ran.sub_calls))
            if ran.answer is not None:
                return turn.end(turn.limit or "answered", ran.answer)
            if ran.stopped is not None:
                return turn.end(ran.stopped, error=ran.error)
            follow_up = style.after_cell(ran.result, ())
        if last:
            return turn.end(turn.limit or "max_steps")
        turn.limit = limit_hit(config, turn.spent)
        if turn.limit is not None:
            yield Notice(f"{describe_limit(config, turn.limit)}; one last turn to answer", "warning")
            follow_up = "\n".join((follow_up, style.last_turn(describe_limit(config, turn.limit))))
        elif told := warnings_for_model(config, turn.spent, number):
            follow_up = "\n".join((follow_up, *told))
        turn.messages.append(Message("user", follow_up))
    raise AssertionError("the last step always ends the loop")


def _ask(turn: _Turn, number: int) -> Generator[Request, Outcome, End | tuple[ModelReply, ParsedReply, Usage, float]]:
    """One reply, continued while it was cut off inside its code. Adds the reply to the conversation."""
    text, usage, seconds = "", Usage(), 0.0
    for attempt in range(MOST_CONTINUATIONS + 1):
        outcome = yield AskModel(number, tuple(turn.messages), turn.limit)
        assert isinstance(outcome, (Replied, NoReply))
        turn.spent = outcome.spent
        if isinstance(outcome, NoReply):
            if outcome.reason != "time" or turn.limit is not None or not turn.cells:
                return turn.end(turn.limit or outcome.reason, error=outcome.error)
            # The time ran out while the model was writing; what was computed may still give an answer.
            turn.limit = "time"
            yield Notice(f"{describe_limit(turn.config, 'time')}; one last turn to answer", "warning")
            ask = Message("user", turn.style.last_turn(describe_limit(turn.config, "time")))
            last_message = turn.messages[-1]
            if last_message.role == "user":
                turn.messages[-1] = Message("user", f"{last_message.content}\n{ask.content}")
            else:
                turn.messages.append(ask)
            return (yield from _ask(turn, number))
        reply = outcome.reply
        text = join_continuation(text, reply.text) if text else reply.text
        usage, seconds = usage + reply.usage, seconds + reply.duration_s
        turn.messages.append(Message("assistant", reply.text))
        parsed = parse_reply(text)
        cut = reply.finish_reason in ("length", "cut") and (parsed.open_block or not parsed.code)
        if not cut or attempt == MOST_CONTINUATIONS or limit_hit(turn.config, turn.spent) is not None:
            break
        turn.messages.append(Message("user", GO_ON))
    if reply.reasoning:
        together = "\n\n".join(part for part in (reply.reasoning.strip(), parsed.reasoning) if part)
        parsed = ParsedReply(parsed.code, together, parsed.open_block)
    whole = ModelReply(text, reply.reasoning, reply.finish_reason, usage, seconds, reply.model)
    return whole, parsed, usage, seconds
