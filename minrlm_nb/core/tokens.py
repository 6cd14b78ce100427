"""Tokens, estimated where an endpoint gives no figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .records import Message, Usage

CHARS_A_TOKEN: Final = 4
TOKENS_A_MESSAGE: Final = 4
"""What a chat template adds around a message."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, roughly: four characters each, at least one for any text."""
    return -(-len(text) // CHARS_A_TOKEN)


def estimate_usage(messages: Iterable[Message], reply: str) -> Usage:
    """Usage of an exchange, counted by us and marked as an estimate; without a price."""
    prompt = sum(estimate_tokens(message.content) + TOKENS_A_MESSAGE for message in messages)
    return Usage(prompt, estimate_tokens(reply), cost_usd=None, estimated=True)
