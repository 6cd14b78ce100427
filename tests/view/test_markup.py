from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.view.highlight import MAX_CHARS, highlighted
from minrlm_nb.view.markup import Html, cut, element, joined, text
from tests.page import Page
from tests.records import HOSTILE

texts = st.text(st.characters(exclude_categories=()), max_size=100)


@given(texts, texts)
def test_whatever_is_put_in_stays_text(inside: str, value: str) -> None:
    page = Page(element("p", inside, element("b", inside), title=value))
    assert [name for name, _ in page.elements] == ["p", "b"]
    assert page.attributes == {"title"}
    assert not page.oddities


def test_only_our_own_markup_passes_unescaped() -> None:
    assert element("p", Html("<br>"), "<br>") == "<p><br>&lt;br&gt;</p>"
    assert joined("<", Html("<b></b>")) == "&lt;<b></b>"
    assert text("a\x1b[31mb\x00") == "ab"


def test_attributes_are_spelled_as_html_has_them() -> None:
    assert element("img", class_="x", data_y="1", alt=None) == '<img class="x" data-y="1">'


def test_what_is_cut_says_so() -> None:
    assert cut("abc", 3, "see there") == ("abc", "")
    kept, note = cut("a" * 5000, 3, "see <there>")
    assert kept == "aaa"
    assert Page(note).text == "3 of 5,000 characters; see <there>"


@given(texts)
def test_coloured_code_reads_as_the_code(code: str) -> None:
    page = Page(highlighted(code))
    assert page.names <= {"span"}
    assert not page.oddities


def test_code_keeps_its_characters_and_gets_colours() -> None:
    code = "def f(x):\n    # why\n    return f'{x!r} <b>' or 12\n"
    page = Page(highlighted(code))
    assert page.text == code
    assert {attributes["class"] for _, attributes in page.elements} == {
        "mrlm-k",
        "mrlm-d",
        "mrlm-c",
        "mrlm-s",
        "mrlm-n",
    }


def test_very_long_or_hostile_code_is_shown_without_harm() -> None:
    assert Page(highlighted("x" * (MAX_CHARS + 1))).elements == []
    assert Page(highlighted(HOSTILE)).names <= {"span"}
