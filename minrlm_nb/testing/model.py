"""A scripted model inside the process: the fastest stand-in, without HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.ports import Cancel, Delta, PromptProfile
from ..core.records import ModelReply, ModelRequest, Usage
from ..core.tokens import estimate_usage
from ..errors import ConfigError, ModelTimeoutError, RunStopped
from .fault import Fault
from .script import Reply, Script, Scripted


class ScriptedModel:
    """A `minrlm_nb.core.ports.ChatModel` that says what it was told to.

    Parameters
    ----------
    replies, answer_sub_calls, cycle
        See `minrlm_nb.testing.script.Script`.
    usage : Usage or None
        Of every reply that does not bring its own; None counts four characters a token, at no cost.
    delay_s : float
        Seconds before a reply; ends at once when the run is stopped.
    chunk_chars : int
        Characters a streamed piece.
    name, prompt_profile
        As the engine sees them.

    Attributes
    ----------
    requests : list of ModelRequest
        Everything it was asked, in order.

    Examples
    --------
    >>> from minrlm_nb.core.ports import Cancel
    >>> from minrlm_nb.core.records import Message, ModelRequest
    >>> model = ScriptedModel(["FINAL(42)"])
    >>> model.ask(ModelRequest((Message("user", "?"),)), Cancel()).text
    'FINAL(42)'
    """

    def __init__(
        self,
        replies: str | Sequence[Scripted] | Callable[[ModelRequest], Reply],
        answer_sub_calls: Scripted | None = None,
        *,
        cycle: bool = False,
        usage: Usage | None = None,
        delay_s: float = 0.0,
        chunk_chars: int = 24,
        name: str = "scripted",
        prompt_profile: PromptProfile = "frontier",
    ) -> None:
        self._script = Script(replies, answer_sub_calls, cycle)
        self._usage = usage
        self._delay_s = delay_s
        self._chunk_chars = chunk_chars
        self._name = name
        self._prompt_profile = prompt_profile
        self._lock = threading.Lock()
        self._notices: list[str] = []
        self.requests: list[ModelRequest] = []
        self.closed = False

    def __repr__(self) -> str:
        return f"ScriptedModel({self._name!r}, asked {len(self.requests)} times)"

    @property
    def name(self) -> str:
        """What the person sees."""
        return self._name

    @property
    def prompt_profile(self) -> PromptProfile:
        """Which prompt the model gets."""
        return self._prompt_profile

    @property
    def has_price(self) -> bool:
        """Whether replies carry a cost in dollars."""
        return self._usage is None or self._usage.cost_usd is not None

    def ask(self, request: ModelRequest, cancel: Cancel, on_delta: Delta | None = None) -> ModelReply:
        """Give the next reply, streamed in pieces when ``on_delta`` is given.

        Raises
        ------
        RunStopped
            At once when ``cancel`` is set.
        ModelTimeoutError
            If ``delay_s`` is longer than the request's ``timeout_s``.
        Exception
            The scripted one.
        """
        started = time.perf_counter()
        cancel.raise_if_stopped()
        with self._lock:
            self.requests.append(request)
        reply = self._script.next(request)
        self._wait(request, cancel)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Fault):
            raise ConfigError(f"a {reply.kind} fault needs a ScriptedServer; a ScriptedModel raises exceptions instead")
        if isinstance(reply, str):
            reply = ModelReply(reply, usage=self._count(request, reply), model=self._name)
        if on_delta is not None:
            self._stream(reply, cancel, on_delta)
        return replace(reply, duration_s=time.perf_counter() - started)

    def notices(self) -> list[str]:
        """What `remark` left since the last call."""
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def remark(self, notice: str) -> None:
        """Leave a notice, as an adapter does that dropped a parameter."""
        with self._lock:
            self._notices.append(notice)

    def close(self) -> None:
        """Set ``closed``."""
        self.closed = True

    def _wait(self, request: ModelRequest, cancel: Cancel) -> None:
        limit_s = request.timeout_s if request.timeout_s is not None else self._delay_s
        if cancel.wait(min(self._delay_s, limit_s)):
            raise RunStopped("the run was stopped")
        if self._delay_s > limit_s:
            raise ModelTimeoutError(f"no reply within {limit_s:g} s; give the model more time", timeout_s=limit_s)

    def _count(self, request: ModelRequest, text: str) -> Usage:
        if self._usage is not None:
            return self._usage
        return replace(estimate_usage(request.messages, text), cost_usd=0.0, estimated=False)

    def _stream(self, reply: ModelReply, cancel: Cancel, on_delta: Delta) -> None:
        for text, is_reasoning in ((reply.reasoning, True), (reply.text, False)):
            for start in range(0, len(text), self._chunk_chars):
                cancel.raise_if_stopped()
                on_delta(text[start : start + self._chunk_chars], is_reasoning)
