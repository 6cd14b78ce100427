import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.trace.markdown import code, folded, inert, labelled, preformatted, prose, quoted, table
from tests.page import Page
from tests.records import HOSTILE

texts = st.text(st.characters(exclude_categories=()), max_size=200) | st.lists(
    st.sampled_from(
        ["<b>", "`", "```", "~~~", "\n", "\n\n", "[", "](", "]", "!", "\\", "$", "# ", "javascript:", "&lt;", " "]
    ),
    max_size=30,
).map("".join)

_LIVE_LINK = re.compile(r"(?<!\\)(?:\\\\)*[\[\]]")


def assert_inert(markdown: str, allowed: set[str]) -> None:
    """No element but ours, no attribute, and no bracket that could make a link, a reference or an image."""
    page = Page(markdown)
    assert page.names <= {*allowed, "span"}
    assert not page.attributes
    assert not page.oddities
    assert "$" not in markdown
    assert not _LIVE_LINK.search(re.sub(r"<(pre|code)>.*?</\1>", "", markdown))


@given(texts)
def test_prose_holds_no_element_but_ours_and_no_link(text: str) -> None:
    assert_inert(prose(text), {"pre", "code"})


@given(texts)
def test_one_line_words_hold_nothing_at_all(text: str) -> None:
    assert_inert(inert(text), set())
    assert "\n" not in inert(text)


@given(texts)
def test_code_blocks_can_not_be_closed_from_inside(text: str) -> None:
    assert_inert(preformatted(text), {"pre"})
    assert "\n" not in preformatted(text)
    assert_inert(code(text), {"code"})


@given(texts, texts)
def test_folded_parts_can_not_be_closed_from_inside(summary: str, text: str) -> None:
    shown = folded(summary, [labelled("task:", text)])
    assert_inert(shown, {"details", "summary", "p", "b", "pre"})
    assert "\n\n" not in shown


@given(texts)
def test_quoted_lines_are_all_quoted(text: str) -> None:
    assert_inert(quoted(text).replace(">", ""), set())
    assert all(line.startswith(">") for line in quoted(text).split("\n"))


def test_everything_hostile_at_once_is_inert() -> None:
    assert_inert(prose(HOSTILE), {"pre", "code"})
    assert "javascript:alert(3)" in Page(prose(HOSTILE)).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Some **bold** and *slanted* words", "Some **bold** and *slanted* words"),
        ("- one\n- two", "- one\n- two"),
        ("use `df['a']` here", "use <code>df&#91;&#39;a&#39;&#93;</code> here"),
        ("a ` alone", "a &#96; alone"),
        ("## Plan ##", "**Plan**"),
        ("a < b && c", "a &lt; b &amp;&amp; c"),
        ("[x](javascript:1)", "\\[x\\](javascript:1)"),
        ("\\[x](y)", "<span>&#92;</span>\\[x\\](y)"),
        ("![p](http://e/p.png)", "\\!\\[p\\](http://e/p.png)"),
        ("costs $5", "costs <span>&#36;</span>5"),
        ("```python\nx = [1]\n\ny\n```\nafter", "<pre>x = &#91;1&#93;&#10;&#10;y</pre>\n\nafter"),
        ("~~~\nnever closed", "<pre>never closed</pre>"),
    ],
)
def test_a_model_s_markdown_stays_readable(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_table_has_its_rule_below_the_head() -> None:
    assert table([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert "|" not in inert("a|b").replace("\\|", "")
