"""The embedded model as a chat model: the OpenAI adapter in front of a server that is ours to start and restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from typing import Any, Final

from ...core.ports import Cancel, Delta, PromptProfile
from ...core.records import ModelReply, ModelRequest
from ...errors import LocalServerError, ModelConnectionError, ModelServerError, ModelTimeoutError
from ..openai_chat import OpenAIChat
from .process import Endpoint, LocalServer

MOST_REPLY_TOKENS: Final = 600
"""Longest reply where a request names no limit. What such a model has not said by then it will not say."""

TIMEOUT_S: Final = 600.0
WATCH_S: Final = 0.1
"""Seconds between two looks at the cancel signal while the server starts."""

DEATH_S: Final = 0.5
"""How long after a broken connection the server may turn out to have died."""

ONE_BLOCK: Final = r"""
root ::= "```python\n" line+ "```"
line ::= ([^`\n] [^\n]*)? "\n"
"""
"""Grammar of a reply that is one block of code: small models else forget it, or comment it at length."""


class LocalChat:
    """A `minrlm_nb.core.ports.ChatModel` served by a `LocalServer`; restarts it once if it dies under a request.

    Parameters
    ----------
    server
        Shared with others; `close` leaves it running for the next run.
    label
        What the person sees.
    """

    def __init__(self, server: LocalServer, label: str) -> None:
        self._server = server
        self._label = label
        self._lock = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._chats: dict[bool, OpenAIChat] = {}
        self._notices: list[str] = []
        server.start()

    def __repr__(self) -> str:
        return f"LocalChat({self._label!r})"

    @property
    def name(self) -> str:
        """What the person sees."""
        return self._label

    @property
    def prompt_profile(self) -> PromptProfile:
        """Which prompt the model gets."""
        return "small"

    @property
    def has_price(self) -> bool:
        """Always: what runs here costs nothing."""
        return True

    def ask(self, request: ModelRequest, cancel: Cancel, on_delta: Delta | None = None) -> ModelReply:
        """Ask once and wait for the reply, for the server's start as well.

        A request with a system message is one for code and is held to one block of it; sub-calls are free.

        Raises
        ------
        ModelError
            When no usable reply could be had; `LocalServerError` when the server can't be kept up.
        RunStopped
            At once when ``cancel`` is set.
        """
        deadline = time.monotonic() + (request.timeout_s or TIMEOUT_S)
        wants_code = any(message.role == "system" for message in request.messages)
        capped = replace(request, max_output_tokens=request.max_output_tokens or MOST_REPLY_TOKENS)
        deaths = 0
        while True:
            endpoint = self._await_server(deadline, cancel)
            left = max(0.1, deadline - time.monotonic())
            try:
                reply = self._chat_at(endpoint, wants_code).ask(replace(capped, timeout_s=left), cancel, on_delta)
            except (ModelConnectionError, ModelServerError) as error:
                if not self._has_gone(endpoint):
                    raise
                deaths += 1
                if deaths > 1:
                    raise LocalServerError(
                        "the embedded model's server died twice under one request; try a shorter input, or another "
                        "model with --model"
                    ) from error
                self._notices.append("the embedded model's server ended unexpectedly and was started again")
                continue
            if request.max_output_tokens is None and reply.finish_reason == "length":
                return replace(reply, finish_reason="stop")  # our own limit: going on would only repeat
            return reply

    def notices(self) -> list[str]:
        """Remarks since the last call of this; clears them."""
        with self._lock:
            chats = list(self._chats.values())
            taken, self._notices = self._notices, []
        return [*taken, *(notice for chat in chats for notice in chat.notices())]

    def close(self) -> None:
        """Close connections; the server stays for later runs. Harmless when called again."""
        with self._lock:
            chats, self._chats, self._endpoint = list(self._chats.values()), {}, None
        for chat in chats:
            chat.close()

    def _has_gone(self, endpoint: Endpoint) -> bool:
        """Whether the server died; its connections break a moment before its process is seen to have ended."""
        deadline = time.monotonic() + DEATH_S
        while self._server.is_up(endpoint):
            if time.monotonic() > deadline:
                return False
            time.sleep(WATCH_S / 10)
        return True

    def _await_server(self, deadline: float, cancel: Cancel) -> Endpoint:
        while True:
            cancel.raise_if_stopped()
            try:
                return self._server.endpoint(WATCH_S)
            except FutureTimeoutError:
                if time.monotonic() > deadline:
                    raise ModelTimeoutError(
                        f"{self._label} was still starting when its time was up; allow it more time or try again"
                    ) from None

    def _chat_at(self, endpoint: Endpoint, wants_code: bool) -> OpenAIChat:
        """The adapter for a kind of request; new ones when the server listens elsewhere than before."""
        stale: list[OpenAIChat] = []
        with self._lock:
            if endpoint != self._endpoint:
                stale, self._chats, self._endpoint = list(self._chats.values()), {}, endpoint
            chat = self._chats.get(wants_code)
            if chat is None:
                extra: Mapping[str, Any] = {"grammar": ONE_BLOCK} if wants_code else {}
                chat = self._chats[wants_code] = OpenAIChat(
                    self._label,
                    endpoint.base_url,
                    endpoint.api_key,
                    prompt_profile="small",
                    label=self._label,
                    extra_body=extra,
                    max_retries=0,
                )
        for old in stale:
            old.close()
        return chat
