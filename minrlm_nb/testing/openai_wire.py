"""The OpenAI chat protocol as a server speaks it: bodies in, bodies out; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from ..core.records import Message, ModelReply, ModelRequest
from ..core.tokens import estimate_usage

EVENT_END = b"\n\n"
DONE = b"data: [DONE]\n\n"
ROLES: Final[Mapping[str, Literal["system", "assistant"]]] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
}


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request in a body.

    ``developer`` counts as ``system``, an unknown role as ``user``; text parts are joined, other parts left out.
    """
    messages = []
    for message in body.get("messages", ()):
        content = message.get("content") or ""
        if not isinstance(content, str):
            content = "".join(part.get("text", "") for part in content)
        messages.append(Message(ROLES.get(message["role"], "user"), content))
    return ModelRequest(
        tuple(messages),
        max_output_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        temperature=body.get("temperature"),
        reasoning_effort=body.get("reasoning_effort"),
    )


def usage_figures(request: ModelRequest, reply: ModelReply) -> dict[str, Any]:
    """The ``usage`` object: the reply's own figures, or four characters a token."""
    usage = reply.usage if reply.usage.total_tokens else estimate_usage(request.messages, reply.text + reply.reasoning)
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def completion(reply: ModelReply, model: str, usage: Mapping[str, Any] | None, reasoning_field: str) -> dict[str, Any]:
    """A whole reply as one ``chat.completion``."""
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.reasoning:
        message[reasoning_field] = reply.reasoning
    body = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}],
    }
    return body if usage is None else {**body, "usage": usage}


def event(model: str, delta: Mapping[str, Any] | None, finish_reason: str | None = None, **extra: Any) -> bytes:
    """One ``chat.completion.chunk`` as a server-sent event; ``delta`` None for the usage event without choices."""
    chunk = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        **extra,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + EVENT_END


def delta_events(reply: ModelReply, model: str, chunk_chars: int, reasoning_field: str) -> Iterator[tuple[int, bytes]]:
    """Events that carry reasoning and text, each with how many characters it brings."""
    for field, text in ((reasoning_field, reply.reasoning), ("content", reply.text)):
        for start in range(0, len(text), chunk_chars):
            piece = text[start : start + chunk_chars]
            yield len(piece), event(model, {field: piece})


def error_body(message: str, kind: str = "server_error", code: str | None = None) -> dict[str, Any]:
    """The body of an HTTP error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
