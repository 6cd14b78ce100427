from __future__ import annotations

import socket

import pytest

from minrlm_nb.core.records import Usage
from minrlm_nb.models.prices import cost_usd, has_price

MILLION = Usage(1_000_000, 1_000_000)


@pytest.mark.parametrize(
    ("model", "base_url", "dollars"),
    [
        ("gpt-4o-mini", "https://api.openai.com/v1", 0.15 + 0.60),
        ("gpt-5-mini", "https://api.openai.com/v1/", 0.25 + 2.00),
        ("openai/gpt-4o-mini", "https://openrouter.ai/api/v1", 0.15 + 0.60),
        ("openai/gpt-4o-mini", "https://gateway.example.com/v1", 0.15 + 0.60),
        ("qwen2.5-coder:7b", "http://localhost:11434/v1", 0.0),
        ("gpt-4o-mini", "http://127.0.0.1:4000/v1", 0.0),
        ("gpt-4o-mini", "http://10.0.0.5:4000/v1", None),
        ("gpt-4o-mini", "http://litellm:4000/v1", None),
        ("no-such-model", "https://api.openai.com/v1", None),
        ("no-such-model", "https://gateway.example.com/v1", None),
    ],
)
def test_a_call_costs_what_the_tables_say(model: str, base_url: str, dollars: float | None) -> None:
    assert cost_usd(model, base_url, MILLION) == (None if dollars is None else pytest.approx(dollars))
    assert has_price(model, base_url) is (dollars is not None)


def test_cached_tokens_cost_less() -> None:
    cached = Usage(1_000_000, 0, 1_000_000)
    url = "https://api.openai.com/v1"
    assert cost_usd("gpt-4o-mini", url, cached) == pytest.approx(0.075)
    assert cost_usd("gpt-4o-mini", url, Usage(1_000_000)) == pytest.approx(0.15)


def test_prices_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*arguments: object) -> None:
        raise AssertionError("the price tables went to the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert cost_usd("gpt-4o", "https://api.openai.com/v1", MILLION) is not None
