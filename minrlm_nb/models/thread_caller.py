"""HTTP through a blocking client of the SDK, for users who bring one: each call on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from .failures import attempts_of

Item: TypeAlias = tuple[str, int] | bytes | list[str] | Exception | None


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
        call = _Call(partial(self._post, body, timeout_s))
        try:
            head = await call.next()
            if not isinstance(head, tuple):
                raise TypeError(f"a call began with {type(head).__name__} instead of its head")
            yield _ThreadAnswer(*head, call)
        finally:
            call.given_up = True

    async def model_names(self) -> list[str]:
        """What the endpoint lists."""
        names = await _Call(self._list).next()
        return names if isinstance(names, list) else []

    async def close(self) -> None:
        """Nothing: the client is the user's."""

    def _post(self, body: Mapping[str, Any], timeout_s: float, call: _Call) -> None:
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

    def _list(self, call: _Call) -> None:
        call.put([model.id for model in self._client.models.list().data])


class _Call:
    """Blocking work on a daemon thread that hands items to the event loop it was started from.

    Parameters
    ----------
    work
        Called on the thread with this object; puts the head of an answer, pieces of its body and None, or names. An
        exception it raises is raised by `next`.
    """

    def __init__(self, work: Callable[[_Call], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Item] = asyncio.Queue()
        self.given_up = False
        threading.Thread(target=self._run, args=(work,), name="openai-call", daemon=True).start()

    def put(self, item: Item) -> None:
        """Hand over an item; from the call's thread."""
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the adapter was closed and its loop is gone
            self.given_up = True

    def _run(self, work: Callable[[_Call], None]) -> None:
        try:
            work(self)
        except Exception as error:
            self.put(error)

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
