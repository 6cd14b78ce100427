"""What a run tells its listeners: one stream of typed events, in order. Nothing else reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .records import CellResult, ModelReply, Output, RunRecord, Step, SubCall


@dataclass(frozen=True)
class RunStarted:
    """The run begins; ``record`` holds task, inputs, model, isolation and settings."""

    record: RunRecord


@dataclass(frozen=True)
class StepStarted:
    """The model is being asked for step ``number``; ``last`` when it is the last turn."""

    number: int
    last: bool = False


@dataclass(frozen=True)
class ModelDelta:
    """A piece of the reply as it streams in."""

    number: int
    text: str
    reasoning: bool = False


@dataclass(frozen=True)
class ModelReplied:
    """The whole reply is there; ``code`` is the cell found in it, empty when there is none."""

    number: int
    reply: ModelReply
    reasoning: str
    code: str


@dataclass(frozen=True)
class CellStarted:
    """The cell is sent to the REPL kernel."""

    number: int
    code: str


@dataclass(frozen=True)
class CellOutput:
    """The cell showed something."""

    number: int
    output: Output


@dataclass(frozen=True)
class SubCallStarted:
    """A sub-call goes out; told from a thread of its own."""

    number: int
    id: int
    task: str
    context_chars: int


@dataclass(frozen=True)
class SubCallFinished:
    """A sub-call came back or failed; told from a thread of its own."""

    number: int
    call: SubCall


@dataclass(frozen=True)
class CellFinished:
    """The cell ended."""

    number: int
    result: CellResult


@dataclass(frozen=True)
class StepFinished:
    """A step is complete; ``record`` is the run so far, that step included."""

    step: Step
    record: RunRecord


@dataclass(frozen=True)
class Notice:
    """A remark to the person: the isolation level, a limit that was hit, a parameter that was dropped."""

    text: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True)
class RunFinished:
    """The run is over; ``record`` is final."""

    record: RunRecord


Event: TypeAlias = (
    RunStarted
    | StepStarted
    | ModelDelta
    | ModelReplied
    | CellStarted
    | CellOutput
    | SubCallStarted
    | SubCallFinished
    | CellFinished
    | StepFinished
    | Notice
    | RunFinished
)
Listener: TypeAlias = Callable[[Event], None]
