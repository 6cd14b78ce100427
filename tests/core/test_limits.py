"""Limits and the ledger that counts against them."""

from __future__ import annotations

import threading

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.ledger import Ledger
from minrlm_nb.core.limits import Spent, limit_hit, warnings_for_model
from minrlm_nb.core.records import Usage


def test_nothing_is_hit_at_the_start_and_no_warning_given() -> None:
    config = RunConfig(max_tokens=1000, max_cost_usd=1)
    assert limit_hit(config, Spent()) is None
    assert warnings_for_model(config, Spent(), 1) == []


def test_the_model_hears_of_every_limit_that_is_near() -> None:
    config = RunConfig(max_time_s=100, max_tokens=1000, max_cost_usd=1, max_sub_calls=10)
    spent = Spent(85, Usage(800, 50, cost_usd=0.9), 9)
    told = " ".join(warnings_for_model(config, spent, 6))
    for words in ("2 steps left", "15 s left", "150 tokens left", "budget", "1 sub-calls left"):
        assert words in told


def test_sub_calls_are_admitted_up_to_the_limit_from_any_thread() -> None:
    ledger = Ledger(RunConfig(max_sub_calls=50))
    refusals: list[str] = []
    threads = [
        threading.Thread(target=lambda: refusals.extend(filter(None, (ledger.admit_sub_call() for _ in range(20)))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.spent().sub_calls == 50
    assert len(refusals) == ledger.spent().refused == 30
    assert "--max-sub-calls" in refusals[0]


def test_spent_tokens_refuse_the_next_sub_call() -> None:
    ledger = Ledger(RunConfig(max_tokens=100))
    assert ledger.admit_sub_call() == ""
    ledger.pay(Usage(90, 20))
    assert "--max-tokens" in ledger.admit_sub_call()


def test_time_left_never_falls_below_zero() -> None:
    now = [0.0]
    ledger = Ledger(RunConfig(max_time_s=10), lambda: now[0])
    assert ledger.remaining_s() == 10
    now[0] = 50
    assert ledger.remaining_s() == 0


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    assert (Usage(1, 1, cost_usd=None) + Usage(1, 1, cost_usd=0.5)).cost_usd is None
