"""Whatever a caller has becomes texts."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import json
import math
import os
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minrlm_nb.errors import InputError
from minrlm_nb.repl.decode import decode
from minrlm_nb.repl.fingerprint import facts_in_background, sha256_of, with_sha256
from minrlm_nb.repl.inputs import as_inputs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def texts(context: object, labels: list[str] | None = None) -> list[str]:
    return [item.text for item in as_inputs(context, labels)]


def labels(context: object, given_: list[str] | None = None) -> list[str]:
    return [item.facts.label for item in as_inputs(context, given_)]


# -- text ------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), min_size=1))
def test_a_str_is_taken_as_it_is(text: str) -> None:
    (item,) = as_inputs(text)
    assert item.text is text
    assert (item.facts.name, item.facts.label, item.facts.kind, item.facts.size) == ("input_0", "str", "", len(text))


def test_a_str_is_never_a_path(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("content")
    assert texts(str(file)) == [str(file)]


@pytest.mark.parametrize(("text", "lines"), [("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2), ("a\r\nb\r\n", 2)])
def test_lines_are_counted_as_a_person_counts_them(text: str, lines: int) -> None:
    assert as_inputs(text)[0].facts.lines == lines


@pytest.mark.parametrize("nothing", [None, "", b""])
def test_an_empty_context_is_no_input(nothing: object) -> None:
    assert as_inputs(nothing) == ()


# -- several ---------------------------------------------------------------------------------------------------


def test_a_list_of_inputs_is_several_inputs(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(b"from a file")
    items = as_inputs(["one", b"two", file, pd.DataFrame({"a": [1]}), io.StringIO("open"), ""])
    assert [item.text for item in items] == ["one", "two", "from a file", "a\n1\n", "open", ""]
    assert [item.facts.name for item in items] == [f"input_{number}" for number in range(6)]
    assert [item.facts.label for item in items] == ["str", "bytes", "data.txt", "DataFrame", "StringIO", "str"]


@pytest.mark.parametrize("data", [[], [1, 2], ["a", 1], [{"a": 1}], ["a", None], [["a"], ["b"]], {"a": ["b"]}, (1, 2)])
def test_any_other_list_or_dict_is_one_json_input(data: Any) -> None:
    (text,) = texts(data)
    assert json.loads(text) == (list(data) if isinstance(data, tuple) else data)


def test_two_labels_or_more_take_the_elements_apart_whatever_they_are(tmp_path: Path) -> None:
    assert texts([{"a": 1}, [1], "t"], ["d", "l", "s"]) == ['{\n "a": 1\n}', "[\n 1\n]", "t"]
    assert labels([{"a": 1}, [1]], ["d", "l"]) == ["d", "l"]
    assert texts([{"a": 1}], ["records"]) == ['[\n {\n  "a": 1\n }\n]']


def test_labels_name_the_inputs() -> None:
    assert labels("x", ["server.log"]) == ["server.log"]
    assert labels(["x", "y"], ["parts"]) == ["parts[0]", "parts[1]"]
    with pytest.raises(InputError, match="3 inputs but 2 labels"):
        as_inputs(["x", "y", "z"], ["a", "b"])


def test_what_came_out_may_go_in_again() -> None:
    items = as_inputs(["x", "y"], ["a", "b"])
    assert as_inputs(items) == items


def test_too_many_inputs_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"1,001 inputs .* 1,000; join .* dict"):
        as_inputs(["x"] * 1_001)


# -- json ------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(), JSON) | st.lists(JSON))
def test_json_keeps_what_it_holds(data: Any) -> None:
    assume(not (isinstance(data, list) and data and all(isinstance(item, str) for item in data)))
    assert json.loads(texts(data)[0]) == data


def test_big_json_is_compact() -> None:
    assert "\n" not in texts(list(range(100_000)))[0]
    assert "\n" in texts(list(range(10)))[0]


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        ({"a": [1, {"when": date(2026, 1, 2)}]}, r"sales\['a'\]\[1\]\['when'\]", "datetime.date"),
        ([1, {2, 3}], r"sales\[1\]", "set"),
        ({("a", "b"): 1}, "a key of sales", "tuple"),
        ({"a": b"x"}, r"sales\['a'\]", "bytes"),
    ],
)
def test_what_json_can_not_hold_is_named_with_its_place(data: object, where: str, what: str) -> None:
    with pytest.raises(InputError, match=f"{where} is a {what}"):
        as_inputs(data, ["sales"])


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    with pytest.raises(InputError, match="JSON"):
        as_inputs(loop)


# -- tables ----------------------------------------------------------------------------------------------------


def test_a_table_is_csv_with_its_index_if_that_means_something() -> None:
    frame = pd.DataFrame({"city": ["Rome", "Oslo"], "n": [1, 2]})
    assert texts(frame) == ["city,n\nRome,1\nOslo,2\n"]
    assert texts(frame.set_index("city")) == ["city,n\nRome,1\nOslo,2\n"]
    assert texts(frame[frame.n > 1]) == [",city,n\n1,Oslo,2\n"]
    assert texts(pd.Series([5, 6], name="n")) == ["n\n5\n6\n"]
    assert texts(pd.Series([5], index=["x"], name="n")) == [",n\nx,5\n"]


def test_a_table_of_a_subclass_is_a_table() -> None:
    class Sales(pd.DataFrame):
        pass

    assert texts(Sales({"a": [1]})) == ["a\n1\n"]


def test_polars_tables_are_csv_too() -> None:
    class Frame:
        def write_csv(self) -> str:
            return "a\n1\n"

    class Series:
        def to_frame(self) -> Frame:
            return Frame()

    Frame.__module__ = Series.__module__ = "polars.frame"
    assert texts([Frame(), Series()]) == ["a\n1\n", "a\n1\n"]


@pytest.mark.parametrize("thing", [5, 2.5, True, object(), {1, 2}, lambda: 1, math])
def test_what_can_not_be_read_is_refused_with_its_type(thing: object) -> None:
    with pytest.raises(InputError, match=f"thing is a .*{type(thing).__name__}.*pass a str"):
        as_inputs(thing, ["thing"])


# -- files -----------------------------------------------------------------------------------------------------


def test_a_file_is_its_text_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes("ä\r\nb\rc\0\n".encode())
    (item,) = as_inputs(file)
    assert (item.text, item.facts.label) == ("ä\r\nb\rc\0\n", "data.txt")
    file.write_bytes(b"")
    assert texts(file) == [""]


def test_a_gzip_file_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "log.gz"
    file.write_bytes(gzip.compress(b"line\n" * 1000))
    assert texts(file) == ["line\n" * 1000]
    file.write_bytes(b"not packed at all")
    assert texts(file) == ["not packed at all"]


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(b"\0" * 50_000_000))
    with pytest.raises(InputError, match=r"bomb.gz .* limit is 10,000,000"):
        as_inputs(file, most_file_bytes=10_000_000)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(os.urandom(10_000))[:5_000])
    with pytest.raises(InputError, match="damaged"):
        as_inputs(file)


def test_files_that_can_not_be_read_are_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*missing\.txt"):
        as_inputs(tmp_path / "missing.txt")
    with pytest.raises(InputError, match=r"is a folder; .*\*\.txt"):
        as_inputs(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe"):
        as_inputs(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match="limit is 999"):
        as_inputs(tmp_path / "big", most_file_bytes=999)


def test_an_open_file_gives_what_is_left_to_read(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("first\nsecond\n")
    with file.open() as opened:
        opened.readline()
        (item,) = as_inputs(opened)
    assert (item.text, item.facts.label) == ("second\n", "data.txt")
    assert texts(io.BytesIO("é".encode("utf-16"))) == ["é"]


# -- encodings -------------------------------------------------------------------------------------------------

GERMAN = "Die Größe der Übung überraschte die Bäcker in Köln, während Jürgen süße Brötchen aß.\n" * 20
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю.\n" * 20
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 20


@pytest.mark.parametrize(
    "data",
    [
        GERMAN.encode(),
        codecs.BOM_UTF8 + GERMAN.encode(),
        GERMAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-32"),
        GERMAN.encode("utf-16-le"),
        GERMAN.encode("utf-16-be"),
        GERMAN.encode("cp1252"),
    ],
)
def test_german_is_read_in_many_encodings(data: bytes) -> None:
    assert decode(data, "x") == GERMAN


@pytest.mark.parametrize(("text", "encoding"), [(RUSSIAN, "cp1251"), (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp")])
def test_other_encodings_are_guessed(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "x") == text


def test_a_foreign_letter_deep_in_a_long_file_is_found() -> None:
    text = "plain ascii line\n" * 50_000 + GERMAN
    assert decode(text.encode("cp1252"), "x") == text


def test_a_few_broken_bytes_do_not_make_utf8_something_else() -> None:
    data = (RUSSIAN * 50).encode() + b"\xff cut \xd0" + GERMAN.encode()
    text = decode(data, "x")
    assert text.startswith(RUSSIAN)
    assert text.endswith(GERMAN)
    assert text.count("\ufffd") == 2


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3" + bytes(range(256)), "PDF"),
        (b"PK\x03\x04" + bytes(range(256)), "ZIP"),
        (gzip.compress(b"x"), "gzip"),
        (b"PAR1" + bytes(range(256)), "Parquet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
        (bytes(range(256)) * 20, "decode it"),
        (b"\x00\x01\x02\x03" * 1000, "decode it"),
        (os.urandom(5_000), "decode it"),
    ],
)
def test_what_is_no_text_is_refused_with_the_way_out(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=rf"report\.bin is not text.*{what}"):
        decode(data, "report.bin")


@given(st.binary())
def test_bytes_become_text_or_our_error(data: bytes) -> None:
    try:
        text = decode(data, "x")
    except InputError:
        return
    text.encode()


@given(st.text(min_size=1))
def test_utf8_comes_back(text: str) -> None:
    assume(not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text))
    assume(not text.startswith("\ufeff"))
    assert decode(text.encode(), "x") == text


# -- fingerprints ----------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), max_size=100))
def test_the_fingerprint_is_that_of_the_texts_utf8(text: str) -> None:
    assert sha256_of(text) == hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def test_the_fingerprint_of_a_long_text_is_worked_out_in_pieces() -> None:
    text = "é\ud800x" * 1_000_000
    expected = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    (item,) = as_inputs(text)
    assert item.facts.sha256 == ""
    assert with_sha256(item).facts.sha256 == expected
    assert [facts.sha256 for facts in facts_in_background([item])()] == [expected]
    assert with_sha256(with_sha256(item)).facts.sha256 == expected
