"""The values a run is made of; frozen, comparable, and free of behaviour that needs I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

StopReason = Literal[
    "answered", "max_steps", "time", "tokens", "cost", "sub_calls", "stopped", "model_error", "kernel_error"
]
CellStatus = Literal["ok", "error", "timeout", "died", "interrupted"]
"""How a cell ended; ``timeout`` and ``interrupted`` were stopped by us, ``died`` lost the kernel."""


@dataclass(frozen=True)
class Usage:
    """What model calls used.

    Parameters
    ----------
    prompt_tokens, completion_tokens
        Tokens read and written.
    cached_tokens
        Those of the prompt tokens that the endpoint served from its cache.
    cost_usd
        Price in US dollars, or None where no price is known.
    estimated
        True when the endpoint gave no figures and we counted.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True)
class Message:
    """One message of the conversation with the model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked.

    Parameters
    ----------
    messages
        The conversation so far.
    max_output_tokens
        Longest reply, or None for the endpoint's default.
    temperature
        Sampling temperature, or None to leave it out.
    reasoning_effort
        As the endpoint understands it, or None to leave it out.
    timeout_s
        Seconds until the call is given up.
    """

    messages: tuple[Message, ...]
    max_output_tokens: int | None = None
    temperature: float | None = 0.0
    reasoning_effort: str | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class ModelReply:
    """What a model replied.

    Parameters
    ----------
    text
        The reply.
    reasoning
        Reasoning that the endpoint sent in a field of its own.
    finish_reason
        ``"stop"``, ``"length"`` (cut by the token limit), ``"cut"`` (the stream ended early) or the endpoint's own.
    """

    text: str
    reasoning: str = ""
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    duration_s: float = 0.0
    model: str = ""


@dataclass(frozen=True)
class Output:
    """One output of a cell, as relayed from the REPL kernel: text without escape codes, images as base64.

    Parameters
    ----------
    kind
        ``stdout``, ``stderr``, ``result`` (the last expression), ``display`` or ``error``.
    data
        MIME type to content; always holds ``text/plain``.
    """

    kind: Literal["stdout", "stderr", "result", "display", "error"]
    data: Mapping[str, str]

    @property
    def text(self) -> str:
        """The output as plain text."""
        return self.data.get("text/plain", "")


@dataclass(frozen=True)
class CellError:
    """The exception that ended a cell; ``line`` is the failing line of the cell, counted from 1, if known."""

    name: str
    value: str
    traceback: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Variable:
    """A user variable that a cell made or changed; ``size`` is its length or None."""

    name: str
    type: str
    size: int | None = None
    preview: str = ""


@dataclass(frozen=True)
class Reads:
    """How often the helpers have looked into the inputs so far in this run."""

    searches: int = 0
    empty_searches: int = 0
    peeks: int = 0
    sub_calls: int = 0


@dataclass(frozen=True)
class SubCall:
    """One sub-call: what a cell asked of the model, and what came back."""

    id: int
    op: Literal["sub_llm", "rlm"]
    task: str
    context: str = ""
    choices: tuple[str, ...] | None = None
    reply: str = ""
    error: str = ""
    usage: Usage = field(default_factory=Usage)
    duration_s: float = 0.0


@dataclass(frozen=True)
class CellResult:
    """What running a cell did.

    Parameters
    ----------
    status
        How it ended.
    outputs
        What it showed, capped in the kernel and again in the driver.
    error
        The exception, if there was one.
    duration_s
        Seconds from request to reply.
    variables
        What it made or changed.
    notices
        Remarks for the model and the person (a helper was restored, an output was cut, the kernel restarted).
    reads
        The helpers' looks into the inputs, over the run so far.
    variables_lost
        True when the kernel had to be restarted: inputs and helpers are back, everything else is gone.
    """

    status: CellStatus
    outputs: tuple[Output, ...] = ()
    error: CellError | None = None
    duration_s: float = 0.0
    variables: tuple[Variable, ...] = ()
    notices: tuple[str, ...] = ()
    reads: Reads = field(default_factory=Reads)
    variables_lost: bool = False


@dataclass(frozen=True)
class Answer:
    """The value given to ``FINAL``: typed if JSON can hold it, else its text and a note that says so."""

    value: Any
    note: str = ""

    @property
    def text(self) -> str:
        """The answer as text: strings as they are, other values as Python writes them."""
        return self.value if isinstance(self.value, str) else repr(self.value)


@dataclass(frozen=True)
class InputFacts:
    """An input as a trace names it; ``size`` in characters, ``sha256`` of its UTF-8 text."""

    name: str
    label: str
    kind: str
    size: int
    lines: int
    sha256: str = ""


@dataclass(frozen=True)
class Step:
    """One model reply and the cell it holds.

    Parameters
    ----------
    number
        Counted from 1.
    reasoning
        The reply's prose and reasoning, without the code.
    code
        The cell as it ran; empty when the reply held none.
    reply
        The whole reply as the model gave it.
    decision
        A reviewer's decision, or None when nobody was asked.
    result
        What the cell did; None when it did not run.
    usage
        Of the reply alone; each sub-call has its own.
    """

    number: int
    reasoning: str
    code: str
    reply: str
    decision: str | None = None
    result: CellResult | None = None
    usage: Usage = field(default_factory=Usage)
    model_s: float = 0.0
    sub_calls: tuple[SubCall, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """A whole run, finished or as far as it came.

    Parameters
    ----------
    run_id
        Unique; also names the trace file.
    task, inputs, model, isolation
        What was asked, of what, of whom, and how well the REPL kernel was boxed.
    config
        The validated settings as plain values, without any secret.
    steps
        One record a step.
    answer
        None until ``FINAL`` was accepted.
    stop_reason
        None while the run goes on.
    error
        The message of the error that ended the run, if one did.
    notices
        Remarks to the person over the whole run.
    """

    run_id: str
    task: str
    inputs: tuple[InputFacts, ...]
    model: str
    isolation: str
    config: Mapping[str, Any]
    started_at: str
    steps: tuple[Step, ...] = ()
    answer: Answer | None = None
    stop_reason: StopReason | None = None
    error: str = ""
    usage: Usage = field(default_factory=Usage)
    duration_s: float = 0.0
    notices: tuple[str, ...] = ()

    def with_step(self, step: Step) -> RunRecord:
        """The record with one more step (a step of the same number is replaced)."""
        kept = tuple(s for s in self.steps if s.number != step.number)
        return replace(self, steps=(*kept, step))
