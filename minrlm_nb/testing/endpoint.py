"""The scripted endpoint itself: a small HTTP/1.1 server on asyncio that answers as the script says.

Everything here runs on one event loop, that of `minrlm_nb.testing.server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from ..core.records import ModelReply, ModelRequest
from ..errors import RLMError
from . import openai_wire as wire
from .fault import Fault, refusal
from .script import Reply, Script, is_sub_call


@dataclass(frozen=True)
class Received:
    """A request as it arrived: names of ``headers`` in lower case, ``body`` parsed, ``at_s`` on the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    body_bytes: int
    at_s: float


@dataclass(frozen=True)
class Behaviour:
    """How the endpoint is, whatever the script says; see `minrlm_nb.testing.server.ScriptedServer`."""

    latency_s: float
    sub_latency_s: float
    tokens_per_s: float | None
    usage: bool
    api_key: str | None
    models: tuple[str, ...]
    known_models_only: bool
    refuses: tuple[str, ...]
    error_style: Literal["openai", "message"]
    reasoning_field: str
    chunk_chars: int


class Endpoint:
    """Answers connections; ``requests`` and ``connections`` may be read from any thread."""

    def __init__(self, script: Script, behaviour: Behaviour) -> None:
        self.script = script
        self.behaviour = behaviour
        self.requests: list[Received] = []
        self.connections = 0

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side closes it."""
        self.connections += 1
        try:
            while (received := await _read(reader)) is not None:
                self.requests.append(received)
                exchange = _Exchange(self.behaviour, received, reader, writer)
                if not await self._answer(exchange):
                    break
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the server closes: either way the connection is over
        finally:
            self.connections -= 1
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, exchange: _Exchange) -> bool:
        """Answer one request; whether the connection can go on."""
        received, behaviour = exchange.received, self.behaviour
        if behaviour.api_key is not None and received.headers.get("authorization") != f"Bearer {behaviour.api_key}":
            given = received.headers.get("authorization", "").removeprefix("Bearer ")
            message = f"Incorrect API key provided: {given[:8]}{'*' * 12}{given[-4:]}. Check your keys."
            return await exchange.error(401, wire.error_body(message, "invalid_request_error", "invalid_api_key"))
        if received.path.endswith("/models"):
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "script"} for name in behaviour.models]
            return await exchange.json(200, {"object": "list", "data": listed})
        if not received.path.endswith("/chat/completions"):
            return await exchange.error(404, wire.error_body(f"there is nothing at {received.path}", "not_found"))
        name = received.body.get("model")
        if behaviour.known_models_only and name not in behaviour.models:
            message = f"The model '{name}' does not exist"
            return await exchange.error(404, wire.error_body(message, "invalid_request_error", "model_not_found"))
        for parameter in behaviour.refuses:
            if parameter in received.body:
                return await exchange.error(400, refusal(parameter))
        request = wire.read_request(received.body)
        try:
            reply = self.script.next(request)
        except RLMError as error:
            return await exchange.error(400, wire.error_body(str(error), "script"))
        if delay_s := behaviour.sub_latency_s if is_sub_call(request) else behaviour.latency_s:
            await asyncio.sleep(delay_s)
        return await exchange.give(request, reply)


@dataclass
class _Exchange:
    """One request and the way its answer goes out."""

    behaviour: Behaviour
    received: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def give(self, request: ModelRequest, reply: Reply) -> bool:
        """Send a reply or commit a fault; whether the connection can go on."""
        fault = reply if isinstance(reply, Fault) else None
        if isinstance(reply, Exception):
            return await self.error(500, wire.error_body(f"scripted: {reply}"))
        if fault is not None:
            if fault.kind == "disconnect":
                return False
            if fault.kind == "silence":
                return await self._wait_for_the_client_to_leave()
            if fault.kind == "status":
                wait = () if fault.retry_after_s is None else (("Retry-After", f"{fault.retry_after_s:g}"),)
                return await self.error(fault.code, fault.body or wire.error_body(fault.text), wait)
            if fault.kind == "garbage":
                return await self._body(200, fault.text.encode(), fault.content_type)
        spoken = reply if isinstance(reply, ModelReply) else ModelReply(str(reply))
        if fault is not None:
            spoken = ModelReply(fault.text, fault.reasoning)
        figures = wire.usage_figures(request, spoken) if self.behaviour.usage else None
        if fault is not None and not fault.with_usage:
            figures = None
        if self.received.body.get("stream"):
            return await self._stream(spoken, figures, fault)
        return await self._whole(spoken, figures, fault)

    async def json(self, status: int, body: Mapping[str, Any], headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Send JSON; the connection can go on."""
        return await self._body(status, json.dumps(body).encode(), "application/json", headers)

    async def error(self, status: int, body: Mapping[str, Any], headers: Iterable[tuple[str, str]] = ()) -> bool:
        """Send an HTTP error in the style the endpoint has."""
        if self.behaviour.error_style == "message" and "error" in body:
            body = {"object": "error", "message": body["error"]["message"], "code": status}
        return await self.json(status, body, headers)

    async def _body(self, status: int, body: bytes, content_type: str, headers: Iterable[tuple[str, str]] = ()) -> bool:
        lengths = (("Content-Length", str(len(body))), ("Content-Type", content_type))
        self.writer.write(_head(status, (*lengths, *headers)) + body)
        await self.writer.drain()
        return True

    async def _whole(self, reply: ModelReply, figures: Mapping[str, Any] | None, fault: Fault | None) -> bool:
        model, field = str(self.received.body.get("model")), self.behaviour.reasoning_field
        body = json.dumps(wire.completion(reply, model, figures, field)).encode()
        if fault is None or fault.kind == "reply":
            return await self._body(200, body, "application/json")
        if fault.kind == "endless":
            self.writer.write(_head(200, (("Transfer-Encoding", "chunked"), ("Content-Type", "application/json"))))
            self.writer.write(_chunk(b'{"choices":[{"message":{"content":"'))
            return await self._for_ever(fault.text.encode() * 1000)
        head = _head(200, (("Content-Length", str(len(body))), ("Content-Type", "application/json")))
        self.writer.write(head + body[: len(body) // 2])
        if fault.kind == "stall":
            return await self._wait_for_the_client_to_leave()
        await self.writer.drain()
        return False

    async def _stream(self, reply: ModelReply, figures: Mapping[str, Any] | None, fault: Fault | None) -> bool:
        model, field = str(self.received.body.get("model")), self.behaviour.reasoning_field
        self.writer.write(_head(200, (("Transfer-Encoding", "chunked"), ("Content-Type", "text/event-stream"))))
        self.writer.write(_chunk(wire.event(model, {"role": "assistant", "content": ""})))
        cuts = fault is not None and fault.kind in ("cut", "stall")
        before_fault = ModelReply(reply.text[: fault.after_chars], reply.reasoning) if cuts and fault else reply
        size = max(self.behaviour.chunk_chars, len(reply.text) // 2000)
        for chars, piece in wire.delta_events(before_fault, model, size, field):
            self.writer.write(_chunk(piece))
            await self.writer.drain()
            if self.behaviour.tokens_per_s:
                await asyncio.sleep(chars / 4 / self.behaviour.tokens_per_s)
        if fault is not None and fault.kind == "endless":
            return await self._for_ever(wire.event(model, {"content": fault.text * 100}))
        if fault is not None and fault.kind == "stall":
            return await self._wait_for_the_client_to_leave()
        if fault is not None and fault.kind == "cut":
            self.writer.write(b"0\r\n\r\n" if fault.clean else b"ffff\r\ndata: {")
            await self.writer.drain()
            return False
        tail = wire.event(model, {}, reply.finish_reason)
        if figures is not None and (self.received.body.get("stream_options") or {}).get("include_usage"):
            tail += wire.event(model, None, usage=figures)
        self.writer.write(_chunk(tail + wire.DONE) + b"0\r\n\r\n")
        await self.writer.drain()
        return True

    async def _for_ever(self, piece: bytes) -> bool:
        while not self.reader.at_eof():
            self.writer.write(_chunk(piece))
            await self.writer.drain()
            await asyncio.sleep(0)
        return False

    async def _wait_for_the_client_to_leave(self) -> bool:
        await self.writer.drain()
        with contextlib.suppress(ConnectionError):
            await self.reader.read(1)
        return False


async def _read(reader: asyncio.StreamReader) -> Received | None:
    """The next request, or None when the client is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    path = path.partition("?")[0]
    return Received(method, path, headers, json.loads(body) if body else {}, len(body), time.monotonic())


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
