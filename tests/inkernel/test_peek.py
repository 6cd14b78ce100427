"""peek and the sizes and previews it shares with the variable list."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from minrlm_nb.inkernel.peek import make_peek
from minrlm_nb.inkernel.reads import ReadLog
from minrlm_nb.inkernel.search import Hits
from minrlm_nb.inkernel.sizes import preview, size_of


class Trap:
    """Raises whenever any of its code is run."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __repr__(self) -> str:
        raise AssertionError("repr")

    __str__ = __repr__
    __len__ = __iter__ = __eq__ = __bool__ = __repr__  # type: ignore[assignment]


class Growing(list[int]):
    def __len__(self) -> int:
        raise AssertionError("len of a subclass")


@pytest.fixture
def peek() -> Any:
    return make_peek(ReadLog())


@pytest.mark.parametrize(
    ("value", "description"),
    [
        ("", "str of 0 characters, 0 lines"),
        ("one\ntwo\n", "str of 8 characters, 2 lines\none\ntwo\n"),
        (b"raw", "bytes of 3 bytes\nb'raw'"),
        (3, "int 3"),
        (None, "NoneType None"),
        (10**400, "int of 1,329 bits"),
        ([1, "two"], "list of 2 items\n1\n'two'"),
        (list(range(7)), "list of 7 items\n0\n1\n2\n3\n4\n… and 2 more"),
        ({"k": [1]}, "dict of 1 item\n'k': [1]"),
        ((), "tuple of 0 items"),
        ({1}, "set of 1 item\n1"),
        (Counter("aa"), "Counter of 1 item\n'a': 2"),
        (range(3), "range of 3 items\n0\n1\n2"),
        ([{"a": 1, "b": "x" * 200}], "list of 1 item\n{'a': 1, 'b': '" + "x" * 100 + "'…}"),
        ([[1] * 50], "list of 1 item\n<list of 50 items>"),
        (SimpleNamespace(a=1, b=2), "SimpleNamespace object with a, b"),
        (object(), "object object"),
    ],
)
def test_descriptions(peek: Any, value: Any, description: str) -> None:
    assert peek(value) == description


def test_a_long_text_shows_its_head_and_tail(peek: Any) -> None:
    shown = peek("head " + "x" * 10**6 + "\ntail")
    assert shown.startswith("str of 1,000,010 characters, 2 lines\nhead xxx")
    assert shown.endswith("xxx\ntail")
    assert len(shown) < 1_000


def test_a_description_echoes_without_quotes(peek: Any) -> None:
    assert repr(peek("a\nb")) == "str of 3 characters, 2 lines\na\nb"


def test_tables_show_shape_and_columns(peek: Any) -> None:
    assert peek(pd.DataFrame({"n": [1, 2], "word": ["a", "b"]})) == "DataFrame, shape (2, 2), columns n, word"
    assert peek(np.zeros((3, 4))) == "ndarray, shape (3, 4), dtype float64"
    assert peek(pd.Series([1])) == "Series, shape (1,), dtype int64"


def test_no_code_of_a_foreign_object_runs(peek: Any) -> None:
    assert peek(Trap()) == "Trap object"
    assert peek([Trap()]) == "list of 1 item\n<Trap>"
    assert peek({"a": Trap()}) == "dict of 1 item\n'a': <Trap>"
    assert "Growing" in peek(Growing([1]))
    assert (size_of(Trap()), size_of(Growing([1]))) == (-1, -1)
    assert preview(Trap()) == ""


def test_a_huge_container_is_described_at_once(peek: Any) -> None:
    assert len(peek([["x" * 10**6] * 1_000] * 10**6)) < 3_000
    assert len(peek({"k" * 10**6: "v" * 10**6})) < 3_000


def test_peeks_are_counted() -> None:
    reads = ReadLog()
    make_peek(reads)("x")
    assert reads.peeks == 1


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("abc", 3),
        (b"ab", 2),
        ([1], 1),
        (deque([1, 2]), 2),
        (defaultdict(int), 0),
        (array("i", [1, 2, 3]), 3),
        (np.zeros((5, 2)), 5),
        (np.array(3), -1),
        (pd.DataFrame({"a": [1, 2]}), 2),
        (Hits("abc", [(0, 1)]), -1),
        (3, -1),
    ],
)
def test_sizes(value: Any, size: int) -> None:
    assert size_of(value) == size


def test_a_finished_search_has_a_size() -> None:
    hits = Hits("abc", [(0, 1)])
    assert len(hits) == size_of(hits) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (2.5, "2.5"),
        (True, "True"),
        (None, "None"),
        ("short", "'short'"),
        ("x" * 80, repr("x" * 80)),
        ("x" * 81, ""),
        ([1, "a"], "[1, 'a']"),
        ((1.5, None), "(1.5, None)"),
        ([], "[]"),
        ([1] * 9, ""),
        (["x" * 30] * 4, ""),
        ([[1]], ""),
        ({}, ""),
        (10**100, ""),
    ],
)
def test_previews(value: Any, text: str) -> None:
    assert preview(value) == text
