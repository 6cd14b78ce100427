import math
from dataclasses import replace
from typing import Any

import pytest

from minrlm_nb.core.records import Answer, Usage
from minrlm_nb.core.summary import answer_text, counted, dollars, ending, facts, seconds, sub_calls, tokens, warnings
from tests.records import finished_run, sub_call


def test_the_facts_of_a_run_are_told_in_order() -> None:
    assert facts(finished_run()) == [
        ("ended", "answered"),
        ("model", "gpt-5-mini"),
        ("isolation", "none (unboxed)"),
        ("steps", "3 of 8"),
        ("sub-calls", "3"),
        ("tokens", "5,700 read, 159 written"),
        ("cost", "$0.0025"),
        ("time", "4.90 s"),
    ]


def test_how_a_run_ended_says_whether_there_is_an_answer() -> None:
    run = finished_run()
    assert ending(replace(run, stop_reason="time")) == "time ran out, with an answer"
    assert ending(replace(run, stop_reason="time", answer=None)) == "time ran out"
    assert ending(replace(run, stop_reason=None)) == "under way"


@pytest.mark.parametrize(
    ("model", "isolation", "told"),
    [("gpt-5", "bwrap", 0), ("gpt-5", "none", 1), ("local:1.5b", "bwrap", 1), ("local", "none", 2)],
)
def test_no_box_and_small_models_are_warned_of(model: str, isolation: str, told: int) -> None:
    assert len(warnings(replace(finished_run(), model=model, isolation=isolation))) == told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (84, "84"),
        (None, "None"),
        ([1, "é"], '[1, "é"]'),
        ({"key": "x" * 80}, '{\n  "key": "' + "x" * 80 + '"\n}'),
    ],
)
def test_an_answer_is_shown_as_text(value: Any, text: str) -> None:
    assert answer_text(Answer(value)) == text


def test_an_answer_that_has_no_text_is_still_shown() -> None:
    assert answer_text(Answer(10**5000)) == "(int that can't be written as text)"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert answer_text(Answer(deep)) == "(list that can't be written as text)"
    half: list[Any] = []
    for _ in range(600):
        half = [half]
    assert answer_text(Answer(half)).replace("\n", "").replace(" ", "") == "[" * 601 + "]" * 601


def test_a_long_answer_is_cut_and_says_so() -> None:
    assert answer_text(Answer("x" * 50), 10) == "x" * 10 + "…\n(cut: 10 of 50 characters)"


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0.0, "0 ms"),
        (0.0123, "12 ms"),
        (0.84, "0.84 s"),
        (12.34, "12.3 s"),
        (125, "2 min 5 s"),
        (math.nan, "unknown time"),
    ],
)
def test_times_are_told_in_the_unit_that_fits(duration_s: float, text: str) -> None:
    assert seconds(duration_s) == text


@pytest.mark.parametrize(
    ("cost", "text"), [(None, ""), (0.0, ""), (0.00002, "under $0.0001"), (0.0025, "$0.0025"), (12.5, "$12.50")]
)
def test_money_is_told_when_it_is_known_and_spent(cost: float | None, text: str) -> None:
    assert dollars(Usage(cost_usd=cost)) == text


def test_estimated_tokens_carry_a_tilde() -> None:
    assert tokens(Usage(1_000, 2, estimated=True)) == "~1,000 read, ~2 written"


def test_counts_agree_with_their_nouns() -> None:
    assert counted(1, "step") == "1 step"
    assert counted(2_000, "step") == "2,000 steps"
    assert sub_calls((sub_call(1),)) == "1 sub-call, 61 tokens"
    assert sub_calls((sub_call(1), sub_call(2, error="late"))) == "2 sub-calls, 122 tokens, 1 failed"
