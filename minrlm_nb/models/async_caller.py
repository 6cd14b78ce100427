"""HTTP through an asynchronous client of the SDK, ours or the user's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from .failures import attempts_of

CONNECT_S: Final = 10.0


class AsyncCaller:
    """A `minrlm_nb.models.exchange.Caller` over an ``openai.AsyncOpenAI``.

    Parameters
    ----------
    client : openai.AsyncOpenAI
        Without its type, as only `openai_chat` imports the SDK.
    stream_class, timeout_class : type
        ``openai.AsyncStream[object]`` and ``openai.Timeout``.
    ours
        Whether its connections are ours to close and its time-outs ours to set.
    """

    def __init__(self, client: Any, stream_class: Any, timeout_class: Any, ours: bool) -> None:
        self._client = client
        self._stream_class = stream_class
        self._timeout_class = timeout_class
        self._ours = ours

    @asynccontextmanager
    async def open(self, body: Mapping[str, Any], timeout_s: float) -> AsyncIterator[_AsyncAnswer]:
        """Post the request.

        Asked for as a stream of plain objects even when the reply comes whole: so the SDK hands over the response
        unread and builds no model classes, which saves a quarter of a call's own time.
        """
        timeout = self._timeout_class(timeout_s, connect=min(timeout_s, CONNECT_S))
        stream = await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=dict(body),
            options={"timeout": timeout} if self._ours else {},
            stream=True,
            stream_cls=self._stream_class,
        )
        answer = _AsyncAnswer(stream.response)
        try:
            yield answer
        finally:
            await answer.close()

    async def model_names(self) -> list[str]:
        """What the endpoint lists."""
        page = await self._client.models.list()
        return [model.id for model in page.data]

    async def close(self) -> None:
        """Close the connections: our client with them, the user's stays usable."""
        if self._ours:
            await self._client.close()
        else:
            await _drop_connections(self._client)


class _AsyncAnswer:
    """See `minrlm_nb.models.exchange.Answer`."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._pieces: AsyncGenerator[bytes, None] = response.aiter_bytes()
        self.content_type = str(response.headers.get("content-type", ""))
        self.attempts = attempts_of(response)

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        return self._pieces

    async def close(self) -> None:
        """Let go of the connection, unread pieces or not."""
        await self._pieces.aclose()
        await self._response.aclose()


async def _drop_connections(client: Any) -> None:
    """Close what our loop opened in a user's HTTP client, which has no public way to do only that."""
    http_client = client._client
    for transport in (http_client._transport, *http_client._mounts.values()):
        if transport is not None:
            await transport.aclose()
