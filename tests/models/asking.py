"""Short ways to ask a model in tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.records import Message, ModelReply, ModelRequest
from minrlm_nb.errors import ModelError
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import ScriptedServer

KEY = "sk-canary-4f9d2c7ab1e64c0b"
STEP = (Message("system", "You write Python."), Message("user", "How long is input_0?"))


def question(text: str = "How long is input_0?", **settings: Any) -> ModelRequest:
    """A sub-call's request."""
    return ModelRequest((Message("user", text),), **settings)


class Heard:
    """An ``on_delta`` that remembers."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.pieces = 0

    def __call__(self, text: str, is_reasoning: bool) -> None:
        self.pieces += 1
        if is_reasoning:
            self.reasoning += text
        else:
            self.text += text


@contextmanager
def talking_to(server: ScriptedServer, **settings: Any) -> Iterator[OpenAIChat]:
    """An adapter for the server, closed at the end."""
    model = OpenAIChat("scripted", server.base_url, KEY, **settings)
    try:
        yield model
    finally:
        model.close()


def ask(model: OpenAIChat, heard: Heard | None = None, **settings: Any) -> ModelReply:
    """Ask a short question; streamed if somebody listens."""
    return model.ask(question(**settings), Cancel(), heard)


def until(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Wait for a condition of another thread or process."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def failure_of(
    model: OpenAIChat, kind: type[ModelError], told: str, heard: Heard | None = None, **settings: Any
) -> ModelError:
    """The error that asking ends with: exactly of that kind, with a message that matches ``told``."""
    with pytest.raises(ModelError, match=told) as caught:
        ask(model, heard, **settings)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert not hasattr(caught.value.__context__, "request"), "the request of a foreign exception holds the key"
    return caught.value
