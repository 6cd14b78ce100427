"""What may be given to FINAL."""

from __future__ import annotations

from typing import Any

import pytest

from minrlm_nb.core.grounding import objection, reads_input
from minrlm_nb.core.records import Reads

READ = ["n = len(input_0)"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "none"), ("", "blank"), ("  \n", "blank"), ([], "empty"), ({}, "empty"), ("unknown", "placeholder")],
)
def test_values_that_say_nothing_meet_an_objection(value: Any, expected: str) -> None:
    assert objection(value, READ, Reads(), True) == expected


@pytest.mark.parametrize("value", [0, False, "None", "none", "0", [0], [""], {"a": None}, 0.0, "no"])
def test_values_that_look_empty_but_are_answers_stand(value: Any) -> None:
    assert objection(value, READ, Reads(), True) is None


def test_an_answer_before_anything_was_read_meets_an_objection() -> None:
    assert objection(42, ["FINAL(42)"], Reads(), True) == "unread"
    assert objection(42, ["FINAL(42)"], Reads(), False) is None
    assert objection(42, ["FINAL(42)"], Reads(searches=1), True) is None
    assert objection(42, READ, Reads(), True) is None


def test_a_placeholder_stands_after_a_second_search() -> None:
    assert objection("unknown", READ, Reads(searches=1), True) == "placeholder"
    assert objection("unknown", READ, Reads(searches=2), True) is None


def test_a_name_in_a_string_or_comment_reads_nothing() -> None:
    assert not reads_input("x = 'input_0'  # input_0")
    assert reads_input("def f():\n    return input_1")
    assert reads_input("%%time\nlen(input_0)")
