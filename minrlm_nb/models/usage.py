"""The usage figures of an endpoint, in every vendor's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.records import Usage


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
