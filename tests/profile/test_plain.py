import re

from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.profile.plain import exposed, one_line, plain
from tests.records import HOSTILE

any_text = st.text(st.characters(exclude_categories=()), max_size=300)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def test_escape_codes_go_and_the_words_between_them_stay() -> None:
    assert plain("\x1b[1;31mred\x1b[0m \x1b]8;;http://evil\x1b\\link\x1b]8;;\x07 \x9b2Jcleared") == "red link cleared"


def test_line_ends_of_every_kind_become_newlines() -> None:
    assert plain("a\r\nb\rc\u2028d\ne\x00") == "a\nb\nc\nd\ne"


def test_a_reordering_character_is_shown_by_its_number() -> None:
    assert plain("invoice\u202egnp.exe") == "invoice\\u202egnp.exe"


def test_ordinary_text_is_returned_as_it_is() -> None:
    text = "naïve 日本語 🎉\n\ttabbed <b>"
    assert plain(text) is text


@given(any_text)
def test_plain_text_can_always_be_encoded_and_holds_nothing_that_acts(text: str) -> None:
    shown = plain(text)
    shown.encode("utf-8")
    assert not _FORBIDDEN.search(shown)


@given(any_text)
def test_exposed_text_keeps_every_visible_character_and_hides_none(text: str) -> None:
    shown = exposed(text)
    shown.encode("utf-8")
    assert not re.search(r"[\u200b-\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]", shown)
    assert not _FORBIDDEN.search(shown)


def test_hidden_instructions_are_exposed() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert exposed(f"data{hidden}\x1b") == "data\\U000e006f\\U000e0062\\U000e0065\\U000e0079\\x1b"


@given(any_text, st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line


def test_one_line_of_a_long_text_ends_in_an_ellipsis() -> None:
    assert one_line("word " * 1000, 12) == "word word w…"
    assert one_line(HOSTILE, 10_000).startswith('<script>alert("xss")')
