"""search: right on every text, and lazy."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minrlm_nb.inkernel import folding
from minrlm_nb.inkernel.folding import find_folded
from minrlm_nb.inkernel.reads import ReadLog
from minrlm_nb.inkernel.search import Hits, make_search

INPUT = "One line.\r\nTwo lines: ERROR.\nThree: error, Error."


@pytest.fixture
def reads() -> ReadLog:
    return ReadLog()


@pytest.fixture
def search(reads: ReadLog) -> Any:
    return make_search(reads, lambda: [INPUT])


# -- folding ----------------------------------------------------------------------------------------------------


def naive(text: str, literal: str) -> list[tuple[int, int]]:
    """The leftmost hits that don't overlap, found by folding every stretch of the text."""
    wanted = literal.casefold()
    found, start = [], 0
    while start < len(text):
        ends = (end for end in range(start + 1, len(text) + 1) if text[start:end].casefold() == wanted)
        end = next(ends, None)
        if end is not None:
            found.append((start, end))
        start = end or start + 1
    return found


LETTERS = st.text(alphabet="aAsSiIkKfFnN \nßẞİıſﬁﬀﬃŉΐΣσςǰK\u0307\u0301\u0390\ud800é", max_size=40)


@settings(max_examples=600)
@given(text=LETTERS, literal=LETTERS.filter(bool).map(lambda found: found[:4]), first=st.integers(1, 7))
def test_hits_are_those_of_a_naive_search(text: str, literal: str, first: int) -> None:
    assert list(find_folded(text, literal, first_chunk=first, largest_chunk=8)) == naive(text, literal)


@given(text=st.text(max_size=60), literal=st.text(min_size=1, max_size=3))
def test_every_hit_folds_to_the_literal(text: str, literal: str) -> None:
    for start, end in find_folded(text, literal, first_chunk=5):
        assert text[start:end].casefold() == literal.casefold()


@pytest.mark.parametrize(
    ("text", "literal", "hits"),
    [
        ("Straße", "STRASSE", ["Straße"]),
        ("STRASSE Straße straẞe", "straße", ["STRASSE", "Straße", "straẞe"]),
        ("Straße", "s", ["S"]),
        ("Straße", "ss", ["ß"]),
        ("Straße", "as", []),
        ("ﬁnden", "fi", ["ﬁ"]),
        ("ﬁnden", "f", []),
        ("İstanbul", "İSTANBUL", ["İstanbul"]),
        ("İstanbul x", "STANBUL X", ["stanbul x"]),
        ("ΟΔΟΣ οδος", "οδος", ["ΟΔΟΣ", "οδος"]),
        ("aaaa", "AA", ["aa", "aa"]),
        ("ssß", "SSS", ["sß"]),
        ("ﬀﬀ", "fff", []),
        ("K 273", "k", ["K"]),
    ],
)
def test_known_cases(text: str, literal: str, hits: list[str]) -> None:
    assert [text[start:end] for start, end in find_folded(text, literal)] == hits


def test_hits_across_chunks_are_found_once() -> None:
    text = "x" * (folding.FIRST_CHUNK - 3) + "needle" + "y" * folding.FIRST_CHUNK * 3 + "ßNEEDLE"
    assert [start for start, _ in find_folded(text, "Needle")] == [folding.FIRST_CHUNK - 3, len(text) - 6]


def test_no_character_past_the_last_growing_one_grows() -> None:
    growing = [code for code in range(sys.maxunicode + 1) if len(chr(code).casefold()) > 1]
    assert growing[-1] == folding._LAST_GROWING
    assert not [code for code in range(sys.maxunicode + 1) if not chr(code).casefold()]


# -- the helper -------------------------------------------------------------------------------------------------


def test_a_hit_is_match_before_and_after(search: Any) -> None:
    hits = search(INPUT, "error", context=4)
    assert hits == [("ERROR", "es: ", ".\nTh"), ("error", "ee: ", ", Er"), ("Error", "or, ", ".")]
    assert (len(hits), bool(hits), hits[0][0], hits[-1][0]) == (3, True, "ERROR", "Error")


def test_hits_behave_as_a_list(search: Any) -> None:
    hits = search(INPUT, "error", 2)
    listed = list(hits)
    assert hits[1:] == listed[1:]
    assert hits[::-1] == listed[::-1]
    assert hits[:2] + hits[2:] == listed
    assert ["first"] + hits == ["first", *listed]  # noqa: RUF005  (the sum is what is tested)
    assert hits + ["last"] == [*listed, "last"]  # noqa: RUF005  (as above)
    assert listed[1] in hits
    assert ("x", "", "") not in hits
    assert hits.index(listed[2]) == 2
    assert [*reversed(hits)] == listed[::-1]
    assert sorted(hits) == sorted(listed)
    assert (hits != listed, hits == listed[:1], hits == 3) == (False, False, False)
    with pytest.raises(IndexError, match="there is no hit 3; 3 were found"):
        hits[3]
    with pytest.raises(IndexError):
        hits[-4]
    with pytest.raises(TypeError):
        hits["0"]
    with pytest.raises(TypeError):
        hash(hits)


def test_a_regular_expression_is_used_as_it_is(search: Any) -> None:
    assert [match for match, _, _ in search(INPUT, re.compile(r"\bE\w+"))] == ["ERROR", "Error"]
    assert len(search(INPUT, re.compile("x*"))) == len(INPUT) + 1


def test_a_limit_ends_the_search(search: Any) -> None:
    assert len(search(INPUT, "error", limit=2)) == 2
    assert not search(INPUT, "error", limit=0)


def test_the_search_goes_only_as_far_as_it_is_asked() -> None:
    asked: list[int] = []

    def spans() -> Iterator[tuple[int, int]]:
        for number in range(10):
            asked.append(number)
            yield number, number + 1

    hits = Hits("0123456789", spans(), context=0)
    assert asked == []
    assert hits
    assert asked == [0]
    assert hits[:3] == [("0", "", ""), ("1", "", ""), ("2", "", "")]
    assert asked == [0, 1, 2]
    assert hits.known_length() == -1
    assert [match for match, _, _ in hits] == list("0123456789")
    assert hits.known_length() == 10


def test_a_search_that_was_broken_off_does_not_pass_for_complete() -> None:
    def spans() -> Iterator[tuple[int, int]]:
        yield 0, 1
        raise KeyboardInterrupt

    hits = Hits("ab", spans())
    assert hits[0][0] == "a"
    with pytest.raises(KeyboardInterrupt):
        len(hits)
    with pytest.raises(RuntimeError, match="search again"):
        len(hits)


def test_a_million_hits_cost_their_offsets_only(search: Any) -> None:
    hits = search("ab" * 1_000_000, "A")
    assert len(hits) == 1_000_000
    assert hits._starts.itemsize + hits._ends.itemsize == 8
    assert hits[999_999][1].endswith("ab")


def test_a_description_is_short_and_shows_the_first_hits(search: Any) -> None:
    assert repr(search(INPUT, "error")).splitlines() == [
        "3 hits of 'error':",
        "[0] One line.⏎Two lines: «ERROR».⏎Three: error, Error.",
        "[1] One line.⏎Two lines: ERROR.⏎Three: «error», Error.",
        "[2] One line.⏎Two lines: ERROR.⏎Three: error, «Error».",
    ]
    many = repr(search("x" * 10**6, "x"))
    assert many.startswith("1,000,000 hits of 'x':\n")
    assert "… and 999,995 more" in many
    assert len(many) < 2_000
    assert len(repr(search("x" * 2_000 + "y" + "x" * 2_000, "y"))) > 1_000
    assert len(repr(search("x" * 10**6, "x" * 10**6))) < 2_000


def test_an_empty_result_tells_how_to_use_a_regular_expression(search: Any) -> None:
    assert repr(search(INPUT, "one|two")).startswith("0 hits of 'one|two' (taken literally;")
    assert repr(search(INPUT, "zwei")) == "0 hits of 'zwei'"


def test_lists_of_texts_and_hits_can_be_searched(search: Any) -> None:
    assert search(["one", "Two"], "two", 1) == [("Two", "\n", "")]
    assert len(search(search(INPUT, "error", 3), "ERROR")) == 3


def test_uses_are_counted(search: Any, reads: ReadLog) -> None:
    search(INPUT, "error")
    search(INPUT, "nothing like it")
    assert (reads.searches, reads.empty_searches) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "kind", "reason"),
    [
        ((INPUT, ""), ValueError, "pattern is empty"),
        (("error",), TypeError, "a text and a pattern"),
        ((), TypeError, "not None"),
        (("error", INPUT), ValueError, "the text comes first"),
        ((b"bytes", "a"), TypeError, "not a bytes"),
        (({"a": 1}, "a"), TypeError, "not a dict"),
        (([1, 2], "a"), TypeError, "not a list"),
        ((INPUT, 3), TypeError, "not a int"),
        ((INPUT, ["a", "b"]), TypeError, "not a list"),
        ((INPUT, re.compile(b"a")), TypeError, "compile it from a str"),
        ((INPUT, "a", -1), ValueError, "context"),
        ((INPUT, "a", 5, "all"), ValueError, "limit"),
    ],
)
def test_wrong_arguments_say_what_is_wanted(
    search: Any, reads: ReadLog, arguments: tuple[Any, ...], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        search(*arguments)
    assert reads.searches == 0
