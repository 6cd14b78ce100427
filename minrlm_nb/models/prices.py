"""What a model call costs, from the maintained tables of ``genai-prices``; offline, nothing is fetched."""

from __future__ import annotations

import contextlib

from ..core.records import Usage
from .endpoint import is_loopback, is_private


def cost_usd(model: str, base_url: str, usage: Usage) -> float | None:
    """Price of a call in US dollars.

    Parameters
    ----------
    model
        As the endpoint names it.
    base_url
        Of the endpoint. On this machine a call costs 0.0. A provider of the tables has its own prices; elsewhere on
        the internet, say behind a gateway, a name of one vendor's models has that vendor's; in a private network no
        price is known.
    usage
        Tokens; cached ones are part of the prompt's.

    Returns
    -------
    float or None
        None where no price is known.
    """
    if is_loopback(base_url):
        return 0.0
    # Imported late: the tables take 25 ms.
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cached_tokens,
        output_tokens=usage.completion_tokens,
    )
    with contextlib.suppress(LookupError):
        return float(calc_price(tokens, model, provider_api_url=base_url).total_price)
    if not is_private(base_url):
        with contextlib.suppress(LookupError):
            return float(calc_price(tokens, model.rpartition("/")[2]).total_price)
    return None


def has_price(model: str, base_url: str) -> bool:
    """Whether `cost_usd` knows the price."""
    return cost_usd(model, base_url, Usage(1, 1)) is not None
