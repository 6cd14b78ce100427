"""Answers as JSON."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.inkernel.answer import NotAnAnswerError, encode_answer
from minrlm_nb.inkernel.search import Hits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
Point = namedtuple("Point", "x y")


class Colour(enum.IntEnum):
    RED = 3


class Kind(str, enum.Enum):
    GOOD = "good"


class MyText(str):
    def __str__(self) -> str:
        return "something else"


@given(value=JSON)
def test_what_json_holds_travels_exactly(value: Any) -> None:
    encoded = encode_answer(value)
    assert encoded == {"value": value, "note": ""}
    assert json.loads(json.dumps(encoded)) == encoded


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (0, 0),
        ("None", "None"),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.items(), [["a", 1]]),
        (Point(1, 2), [1, 2]),
        (Colour.RED, 3),
        (Kind.GOOD, "good"),
        (MyText("as it is"), "as it is"),
        (Hits("abc", [(1, 2)], 1), [["b", "a", "c"]]),
        (np.int64(5), 5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        ({"n": np.int64(1)}, {"n": 1}),
    ],
)
def test_near_relatives_become_plain_values(value: Any, expected: Any) -> None:
    encoded = encode_answer(value)
    assert encoded == {"value": expected, "note": ""}
    assert type(encoded["value"]) is type(expected)


@pytest.mark.parametrize(
    ("value", "text", "what"),
    [
        (datetime.date(2024, 1, 2), "2024-01-02", "a date"),
        (decimal.Decimal("1.10"), "1.10", "a Decimal"),
        ({1: 2}, "{1: 2}", "a dict whose keys are int"),
        ([{"a": {(1, 2): 3}}], "[{'a': {(1, 2): 3}}]", "a dict whose keys are tuple"),
        (b"raw", "b'raw'", "a bytes"),
        (2j, "2j", "a complex"),
    ],
)
def test_other_objects_give_their_text_with_a_note(value: Any, text: str, what: str) -> None:
    assert encode_answer(value) == {"value": text, "note": f"JSON can't hold {what}; its text was taken"}


def test_tables_give_all_their_rows() -> None:
    frame = pd.DataFrame({"n": range(1_000)})
    text = encode_answer(frame)["value"]
    assert text.count("\n") == 1_001
    assert encode_answer(frame["n"])["value"].count("\n") == 1_001


def test_nan_and_infinity_survive() -> None:
    values = json.loads(json.dumps(encode_answer([math.nan, -math.inf])))["value"]
    assert math.isnan(values[0])
    assert values[1] == -math.inf


def test_a_set_that_has_no_order_is_a_list_all_the_same() -> None:
    assert sorted(map(str, encode_answer({1, "a"})["value"])) == ["1", "a"]


def test_a_value_that_contains_itself_gives_its_text() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert encode_answer(loop) == {"value": "[1, [...]]", "note": "the value contains itself; its text was taken"}
    shared = [1]
    assert encode_answer([shared, shared])["value"] == [[1], [1]]


def test_a_value_nested_too_deeply_gives_its_text_or_an_error() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotAnAnswerError, match="RecursionError"):
        encode_answer(deep)


class Unprintable:
    def __str__(self) -> str:
        raise OSError("no")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ((n for n in "ab"), r"generator.*list\(\.\.\.\)"),
        (map(str, "ab"), "map"),
        (len, "builtin_function_or_method 'len'"),
        (int, "type 'int'"),
        ([print], "print"),
        (Unprintable(), "the text of a Unprintable can't be had: OSError"),
    ],
)
def test_what_is_no_answer_is_an_error(value: Any, reason: str) -> None:
    with pytest.raises(NotAnAnswerError, match=reason):
        encode_answer(value)


def test_an_int_too_long_to_be_read_back_is_an_error() -> None:
    with pytest.raises(NotAnAnswerError, match=r"about 5,001 digits.*4,300.*hex\(value\)"):
        encode_answer([-(10**5_000)])


def test_the_longest_int_is_an_answer() -> None:
    assert encode_answer(10**4_300 - 1)["value"] == 10**4_300 - 1
