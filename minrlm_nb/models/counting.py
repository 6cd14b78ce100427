"""Tokens where an endpoint gives no figures, and the figures where it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.records import Message, Usage

CHARS_A_TOKEN = 4
TOKENS_A_MESSAGE = 4
"""What a chat template adds around a message."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, roughly: four characters each, at least one for any text."""
    return -(-len(text) // CHARS_A_TOKEN)


def estimate_usage(messages: Iterable[Message], reply: str) -> Usage:
    """Usage of an exchange, counted by us and marked as an estimate; without a price."""
    prompt = sum(estimate_tokens(message.content) + TOKENS_A_MESSAGE for message in messages)
    return Usage(prompt, estimate_tokens(reply), cost_usd=None, estimated=True)


def read_usage(figures: object) -> Usage | None:
    """The usage an endpoint reported, without a price; None where it reported nothing usable.

    Cached tokens are ``prompt_tokens_details.cached_tokens`` (OpenAI, vLLM, xAI), ``prompt_cache_hit_tokens``
    (DeepSeek), ``cache_read_input_tokens`` (Anthropic's compatible endpoint) or ``cached_tokens`` (Moonshot).
    """
    if not isinstance(figures, Mapping):
        return None
    prompt, completion = _count(figures, "prompt_tokens"), _count(figures, "completion_tokens")
    if not prompt and not completion:
        return None
    details = figures.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, Mapping) else 0
    for name in ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens"):
        cached = cached or _count(figures, name)
    return Usage(prompt, completion, min(cached, prompt), cost_usd=None)


def _count(figures: Mapping[str, Any], name: str) -> int:
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
