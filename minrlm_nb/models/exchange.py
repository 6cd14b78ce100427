"""One question to an endpoint and its reply: parameters, second tries, reading. Runs on the adapter's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from ..core.records import ModelReply, ModelRequest
from ..core.tokens import estimate_usage
from ..errors import ModelConnectionError, ModelError, ModelNotFoundError, ModelReplyError
from . import prices
from .endpoint import Endpoint
from .failures import Facts, explain, read_error, read_error_object
from .notices import Notices
from .parameters import Parameters
from .replies import ErrorInReplyError, EventReader, NotAReplyError, ReplyBuilder, read_json

LINGER_S: Final = 0.1
"""How long the end of a body is waited for after ``[DONE]``, so that its connection can serve again."""

USAGE_WAIT_S: Final = 5.0
"""How long usage figures are waited for after the finish reason."""

MODEL_LIST_S: Final = 2.0
"""How long the list of an endpoint's models is waited for, to name them in an error."""

MODELS_NAMED: Final = 8

WIRE_BYTES_A_CHAR: Final = 8
"""A body, or a line of one, may be so much longer than the longest reply: JSON escapes and what surrounds them."""

Tell = Callable[[str, bool], None]


class Answer(Protocol):
    """The answer to an HTTP request whose head has arrived; ``attempts`` says how often the SDK had to ask."""

    @property
    def content_type(self) -> str: ...  # noqa: D102

    @property
    def attempts(self) -> int: ...  # noqa: D102

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""


class Caller(Protocol):
    """What makes the HTTP requests: a client of the SDK."""

    def open(self, body: Mapping[str, Any], timeout_s: float) -> AbstractAsyncContextManager[Answer]:
        """Post a chat completion request; leaving the context drops what was not read."""

    async def model_names(self) -> list[str]:
        """What the endpoint lists."""

    async def close(self) -> None:
        """Let go of the connections that are ours."""


@dataclass
class _Attempt:
    """One HTTP request: what came of it so far.

    ``opened``: the head has arrived, so that the SDK's own retries are over. ``complete``: the reply ended as it
    should; if not, ``broke_off`` says how. ``hopeless``: asking the same again would end the same.
    """

    reply: ReplyBuilder
    opened: bool = False
    complete: bool = False
    broke_off: str = "the stream ended early"
    hopeless: bool = False


@dataclass(frozen=True)
class Exchange:
    """How an endpoint is asked, for all questions of an adapter.

    Parameters
    ----------
    endpoint
        Whom we ask, for errors and prices.
    parameters, notices
        What is learnt on the way.
    idle_s
        Seconds of silence in the midst of a stream after which it counts as cut.
    max_reply_chars
        The longest reply; what is longer is cut.
    """

    endpoint: Endpoint
    parameters: Parameters
    notices: Notices
    idle_s: float
    max_reply_chars: int

    async def ask(self, caller: Caller, request: ModelRequest, timeout_s: float, tell: Tell | None) -> ModelReply:
        """Ask until there is a reply or nothing more to try.

        Raises
        ------
        ModelError
            When there is no usable reply.
        """
        started = time.perf_counter()
        asked_again = False
        while True:
            body = self.parameters.body(request, stream=tell is not None)
            attempt = _Attempt(ReplyBuilder(tell, self.max_reply_chars))
            # Raised out here, where no foreign exception can become its context: those hold requests with keys.
            failure, refused = await self._try(caller, body, timeout_s, attempt)
            if failure is None:
                return self._finished(request, attempt, time.perf_counter() - started)
            if refused:
                continue
            if isinstance(failure, ModelNotFoundError):
                raise await self._with_offer(failure, caller)
            may_pass = attempt.opened and isinstance(failure, (ModelConnectionError, ModelReplyError))
            if asked_again or attempt.hopeless or not may_pass:
                raise failure
            asked_again = True
            self.notices.add(f"asked again: {failure}")

    async def _try(
        self, caller: Caller, body: Mapping[str, Any], timeout_s: float, attempt: _Attempt
    ) -> tuple[ModelError | None, bool]:
        """Ask once; returns what failed, if anything, and whether a parameter was refused and is now left out."""
        try:
            async with caller.open(body, timeout_s) as answer:
                attempt.opened = True
                if answer.attempts > 1:
                    self.notices.add(f"{self.endpoint.place} was asked {answer.attempts} times before it answered")
                await self._read(answer, attempt)
        except Exception as error:
            facts = _facts(error)
            failure = explain(facts, self.endpoint, error)
            if facts.kind is ModelError:  # nobody expected it, so whoever debugs it needs the traceback
                failure.__cause__ = error
            notice = self.parameters.learn(facts, body)
            if notice is not None:
                self.notices.add(notice)
            elif attempt.reply.text.strip():
                attempt.broke_off = str(failure)
                return self._flaw(attempt), False
            return failure, notice is not None
        return self._flaw(attempt), False

    async def _read(self, answer: Answer, attempt: _Attempt) -> None:
        if "event-stream" in answer.content_type:
            await self._read_events(answer, attempt)
        else:
            await self._read_whole(answer, attempt)

    async def _read_events(self, answer: Answer, attempt: _Attempt) -> None:
        reply, reader = attempt.reply, EventReader(self.max_reply_chars * WIRE_BYTES_A_CHAR)
        pieces = answer.pieces()
        while not reply.full:
            ended = reader.done or bool(reply.finish_reason)
            limit_s = LINGER_S if reader.done else USAGE_WAIT_S if ended else self.idle_s if reply.begun else None
            try:
                # Without a limit, as before the first text, this waits as long as the question's own deadline allows.
                piece = await asyncio.wait_for(anext(pieces, None), limit_s)
            except (TimeoutError, asyncio.TimeoutError):
                attempt.broke_off = f"silence for {limit_s:g} s"
                break
            for event in reader.finish() if piece is None else reader.feed(piece):
                reply.add(event)
            if piece is None:
                break
        attempt.complete = reader.done or bool(reply.finish_reason)

    async def _read_whole(self, answer: Answer, attempt: _Attempt) -> None:
        limit = self.max_reply_chars * WIRE_BYTES_A_CHAR
        body = bytearray()
        async for piece in answer.pieces():
            body += piece
            if len(body) > limit:
                attempt.hopeless = True
                raise NotAReplyError(f"more than {limit:,} bytes")
        attempt.reply.add(read_json(bytes(body)))
        attempt.complete = True

    def _flaw(self, attempt: _Attempt) -> ModelError | None:
        """What is wrong with a reply that has ended, well or not; None for a usable one."""
        reply, place = attempt.reply, self.endpoint.place
        if reply.text.strip():
            if not attempt.complete:
                reply.finish_reason = "cut"
                self.notices.add(f"the reply broke off and what had come of it is used: {attempt.broke_off}")
            elif reply.full:
                self.notices.add(f"the reply was cut at {self.max_reply_chars:,} characters")
            return None
        if not attempt.complete:
            return ModelConnectionError(f"no text came in the reply of {place} ({attempt.broke_off}); try again")
        attempt.hopeless = reply.finish_reason in ("length", "content_filter")
        if reply.finish_reason == "length":
            return ModelReplyError(
                f"{self.endpoint.model} used up its output tokens before any text came; raise max_output_tokens or "
                "lower reasoning_effort"
            )
        if reply.finish_reason == "content_filter":
            return ModelReplyError(f"the content filter of {place} withheld the reply; reword the task")
        return ModelReplyError(f"{self.endpoint.model} at {place} sent an empty reply; try again or another model")

    def _finished(self, request: ModelRequest, attempt: _Attempt, duration_s: float) -> ModelReply:
        reply, endpoint = attempt.reply, self.endpoint
        usage = reply.usage or estimate_usage(request.messages, reply.text + reply.reasoning)
        cost_usd = prices.cost_usd(endpoint.model, endpoint.base_url, usage)
        return ModelReply(
            reply.text,
            reply.reasoning,
            reply.finish_reason or "stop",
            replace(usage, cost_usd=cost_usd),
            duration_s,
            reply.model or endpoint.model,
        )

    async def _with_offer(self, failure: ModelNotFoundError, caller: Caller) -> ModelNotFoundError:
        """The failure with the names the endpoint lists, if it lists them soon."""
        try:
            names = await asyncio.wait_for(caller.model_names(), MODEL_LIST_S)
        except Exception:  # any reason not to list them: the failure stands as it is
            return failure
        if not names:
            return failure
        some = ", ".join(names[:MODELS_NAMED]) + (", …" if len(names) > MODELS_NAMED else "")
        return ModelNotFoundError(f"{failure}; it offers {some}", **{**vars(failure), "offered": names})


def _facts(error: Exception) -> Facts:
    if isinstance(error, NotAReplyError):
        return Facts(ModelReplyError, str(error))
    if isinstance(error, ErrorInReplyError):
        return read_error_object(error.error)
    return read_error(error)
