"""Which parameters a request carries: asked for first, left out or swapped once the endpoint has refused them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.records import ModelRequest
from ..errors import ContextLengthError
from .failures import Facts

REFUSABLE = ("temperature", "reasoning_effort", "stream_options", "max_completion_tokens", "max_tokens", "stream")
LIMITS = ("max_completion_tokens", "max_tokens")
REFUSING = (400, 404, 405, 415, 422, 501)
"""Statuses with which endpoints refuse a parameter."""

_REASONING_NAME = re.compile(r"(?:^|/)(?:o\d|(?:chat)?gpt-(?:[5-9]|\d\d))", re.IGNORECASE)


class Parameters:
    """What one endpoint takes for one model, as learnt so far. For one thread, that of the adapter's event loop.

    Parameters
    ----------
    model
        Its name; names of reasoning models start with ``max_completion_tokens``, others with ``max_tokens``.
    extra
        Put into every request as it is, over our own parameters.
    """

    def __init__(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        self._model = model
        self._extra = dict(extra or {})
        self._limits = list(LIMITS if _REASONING_NAME.search(model) else reversed(LIMITS))
        self._refused: set[str] = set()

    def body(self, request: ModelRequest, stream: bool) -> dict[str, Any]:
        """The JSON body of a request."""
        wanted: dict[str, Any] = {
            "temperature": request.temperature,
            "reasoning_effort": request.reasoning_effort,
            "stream": stream or None,
            "stream_options": {"include_usage": True} if stream and "stream" not in self._refused else None,
        }
        if self._limits:
            wanted[self._limits[0]] = request.max_output_tokens
        return {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            **{name: value for name, value in wanted.items() if value is not None and name not in self._refused},
            **self._extra,
        }

    def learn(self, facts: Facts, body: Mapping[str, Any]) -> str | None:
        """Learn from a failed request.

        Parameters
        ----------
        facts
            How it failed.
        body
            What was sent.

        Returns
        -------
        str or None
            None if no parameter was refused. Otherwise asking again makes sense, and this is the notice about it:
            empty when another call has learnt the same in the meantime.
        """
        name = self._named(facts, body)
        if name is None:
            return None
        if name in self._refused or (name in LIMITS and name not in self._limits):
            return ""
        if name not in LIMITS:
            self._refused.add(name)
            return f"{self._model} refuses {name}; left out"
        self._limits.remove(name)
        if self._limits:
            return f"{self._model} refuses {name}; {self._limits[0]} is used instead"
        return f"{self._model} refuses a limit on output tokens; left out"

    def _named(self, facts: Facts, body: Mapping[str, Any]) -> str | None:
        """The parameter of ours that the error is about: the one its ``param`` names, else the first in its text."""
        if facts.status not in REFUSING or facts.kind is ContextLengthError:
            return None
        sent = [name for name in REFUSABLE if name in body and name not in self._extra]
        named = re.split(r"[.\[]", facts.param)[0]
        if named in sent:
            return named
        found = {name: re.search(rf"\b{name}(?:ing)?\b", facts.message, re.IGNORECASE) for name in sent}
        places = {name: match.start() for name, match in found.items() if match is not None}
        return min(places, key=places.__getitem__, default=None)
