"""HTTP through a blocking client of the SDK, for users who bring one: each call on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from .failures import attempts_of

Item: TypeAlias = tuple[str, int] | bytes | Exception | None


class ThreadCaller:
    """A `minrlm_nb.models.exchange.Caller` over an ``openai.OpenAI``.

    A call that is given up ends on its thread as soon as the client lets go: at the next piece of the body, or at its
    own time-out. Nobody waits for it, and its thread is a daemon.

    Parameters
    ----------
    client : openai.OpenAI
        The user's; never closed here. Without its type, as only `openai_chat` imports the SDK.
    stream_class : type
        ``openai.Stream[object]``.
    """

    def __init__(self, client: Any, stream_class: Any) -> None:
        self._client = client
        self._stream_class = stream_class

    @asynccontextmanager
    async def open(self, body: Mapping[str, Any], timeout_s: float) -> AsyncIterator[_ThreadAnswer]:
        """Post the request."""
        call = _Call(asyncio.get_running_loop())
        threading.Thread(target=self._work, args=(call, body, timeout_s), name="openai-call", daemon=True).start()
        try:
            head = await call.next()
            if not isinstance(head, tuple):
                raise TypeError(f"a call began with {type(head).__name__} instead of its head")
            yield _ThreadAnswer(*head, call)
        finally:
            call.given_up = True

    async def model_names(self) -> list[str]:
        """What the endpoint lists."""
        page = await asyncio.get_running_loop().run_in_executor(None, self._client.models.list)
        return [model.id for model in page.data]

    async def close(self) -> None:
        """Nothing: the client is the user's."""

    def _work(self, call: _Call, body: Mapping[str, Any], timeout_s: float) -> None:
        try:
            with self._client.post(
                "/chat/completions",
                cast_to=object,
                body=dict(body),
                options={"timeout": timeout_s},
                stream=True,
                stream_cls=self._stream_class,
            ) as stream:
                response = stream.response
                call.put((response.headers.get("content-type", ""), attempts_of(response)))
                for piece in response.iter_bytes():
                    if call.given_up:
                        return
                    call.put(piece)
            call.put(None)
        except Exception as error:
            call.put(error)


class _Call:
    """What a call's thread hands to the event loop: its head, pieces of the body, None at the end, or an exception."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: asyncio.Queue[Item] = asyncio.Queue()
        self.given_up = False

    def put(self, item: Item) -> None:
        """Hand over an item; from the call's thread."""
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the adapter was closed and its loop is gone
            self.given_up = True

    async def next(self) -> Item:
        """The next item; an exception is raised."""
        item = await self._items.get()
        if isinstance(item, Exception):
            raise item
        return item


@dataclass
class _ThreadAnswer:
    """See `minrlm_nb.models.exchange.Answer`."""

    content_type: str
    attempts: int
    _call: _Call

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while isinstance(piece := await self._call.next(), bytes):
            yield piece
