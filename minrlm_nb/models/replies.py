"""A reply put together from what an endpoint sends, streamed or whole; no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core.records import Usage
from .usage import read_usage

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""DeepSeek, Qwen, vLLM, llama.cpp and xAI; OpenRouter, Groq, Ollama and newer vLLM; a few gateways."""

_FINISH = {"max_tokens": "length", "end_turn": "stop", "eos": "stop", "eos_token": "stop", "stop_sequence": "stop"}


class NotAReplyError(ValueError):
    """What came is not in the OpenAI protocol; the message is an excerpt, not yet cleaned of keys."""


class ErrorInReplyError(Exception):
    """The endpoint reported an error inside a reply of status 200.

    Parameters
    ----------
    error
        The object it sent.
    """

    def __init__(self, error: object) -> None:
        super().__init__(str(error))
        self.error = error


class ReplyBuilder:
    """Collects a reply.

    Parameters
    ----------
    tell
        Called with each piece of text and whether it is reasoning; None when nobody listens.
    max_chars
        Text and reasoning together; what comes after is left out and the reply counts as cut by length.
    """

    def __init__(self, tell: Callable[[str, bool], None] | None, max_chars: int) -> None:
        self._tell = tell
        self._room = max_chars
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.model = ""
        self.full = False

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self._reasoning)

    @property
    def begun(self) -> bool:
        """Whether any text or reasoning has come."""
        return bool(self._text or self._reasoning)

    def add(self, body: object) -> None:
        """Add a ``chat.completion.chunk``, or a whole ``chat.completion``.

        Raises
        ------
        NotAReplyError
            If it is neither.
        ErrorInReplyError
            If it carries an error.
        """
        if not isinstance(body, Mapping):
            raise NotAReplyError(json.dumps(body)[:1000])
        if body.get("error"):
            raise ErrorInReplyError(body["error"])
        choices = body.get("choices")
        if not isinstance(choices, list) and "usage" not in body:
            raise NotAReplyError(json.dumps(body)[:1000])
        self.model = str(body.get("model") or self.model)
        groq = body.get("x_groq")
        figures = body.get("usage") or (groq.get("usage") if isinstance(groq, Mapping) else None)
        self.usage = read_usage(figures) or self.usage
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping) and not choice.get("index"):
                self._add_choice(choice)

    def _add_choice(self, choice: Mapping[str, Any]) -> None:
        message = choice.get("delta") or choice.get("message")
        if isinstance(message, Mapping):
            content = message.get("content")
            for part, is_reasoning in _parts(content):
                self._put(part, is_reasoning)
            for name in REASONING_FIELDS:
                if isinstance(piece := message.get(name), str) and piece:
                    self._put(piece, True)
                    break
            if not content and isinstance(refusal := message.get("refusal"), str):
                self._put(refusal, False)
        reason = choice.get("finish_reason")
        if reason and not self.full:
            self.finish_reason = _FINISH.get(str(reason).lower(), str(reason).lower())

    def _put(self, piece: str, is_reasoning: bool) -> None:
        if not piece or self.full:
            return
        if len(piece) > self._room:
            piece, self.full, self.finish_reason = piece[: self._room], True, "length"
        self._room -= len(piece)
        (self._reasoning if is_reasoning else self._text).append(piece)
        if self._tell is not None:
            self._tell(piece, is_reasoning)


class EventReader:
    """Splits a body of server-sent events into their data.

    Parameters
    ----------
    max_line_bytes
        The longest line that is accepted.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._rest = bytearray()
        self._strange = b""
        self.events = 0
        self.done = False

    def feed(self, piece: bytes) -> Iterator[object]:
        """Take a piece of the body; yields the JSON of each event that is complete now. ``[DONE]`` sets ``done``.

        Raises
        ------
        NotAReplyError
            At an event that is not JSON, or an endless line.
        """
        self._rest += piece
        if len(self._rest) > self._max_line_bytes:
            raise NotAReplyError(f"a line of more than {self._max_line_bytes:,} bytes")
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            yield from self._read(bytes(line).strip())

    def finish(self) -> Iterator[object]:
        """The last event, if the body ended without a line end.

        Raises
        ------
        NotAReplyError
            If the whole body held no event but something else.
        """
        rest, self._rest = bytes(self._rest).strip(), bytearray()
        yield from self._read(rest)
        if not self.events and not self.done and self._strange:
            raise NotAReplyError(self._strange.decode(errors="replace"))

    def _read(self, line: bytes) -> Iterator[object]:
        field, _, data = line.partition(b":")
        if field != b"data":
            if field not in (b"", b"event", b"id", b"retry"):
                self._strange = (self._strange + b" " + line)[:1000]
            return
        data = data.strip()
        if data.startswith(b"[DONE]"):
            self.done = True
        elif data:
            self.events += 1
            yield read_json(data)


def read_json(data: bytes) -> object:
    """Parse JSON.

    Raises
    ------
    NotAReplyError
        If it is none.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise NotAReplyError(data[:1000].decode(errors="replace")) from None


def _parts(content: object) -> Iterator[tuple[str, bool]]:
    """Text and reasoning in a message's content: a string, or a list of parts as Mistral sends them."""
    if isinstance(content, str):
        yield content, False
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, Mapping):
                if isinstance(text := part.get("text"), str):
                    yield text, False
                for thought, _ in _parts(part.get("thinking")):
                    yield thought, True
