"""Replies as they really come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.core.parse import join_continuation, parse_reply

CODE = "x = 1\nFINAL(x)"


@pytest.mark.parametrize("label", ["python", "py", "Python", "python3", "repl", "ipython", ""])
def test_a_fence_of_any_python_label_is_code(label: str) -> None:
    parsed = parse_reply(f"I count.\n```{label}\n{CODE}\n```\nDone.")
    assert parsed.code == CODE
    assert parsed.reasoning == "I count.\n\nDone."


@pytest.mark.parametrize("label", ["json", "bash", "text", "sql", "output"])
def test_a_fence_of_another_language_is_not_code(label: str) -> None:
    assert parse_reply(f"```{label}\nprint(1)\n```").code == ""


def test_several_blocks_are_joined_and_repeats_dropped() -> None:
    reply = "```python\na = 1\n```\nthen\n```py\nb = 2\n```\nagain\n```python\na = 1\n```"
    assert parse_reply(reply).code == "a = 1\n\nb = 2"


def test_an_unlabelled_block_beside_a_python_block_is_its_imagined_output() -> None:
    assert parse_reply("```python\nprint(1)\n```\nOutput:\n```\nprint(2)\n```").code == "print(1)"


def test_an_unlabelled_block_of_prose_is_not_code() -> None:
    assert parse_reply("```\nThe answer is 42.\n```").code == ""


def test_code_without_a_fence_runs() -> None:
    assert parse_reply(f"\n{CODE}\n").code == CODE
    assert parse_reply("FINAL(42)").code == "FINAL(42)"


def test_code_lines_in_prose_run() -> None:
    parsed = parse_reply("Let me count the lines.\n\nn = input_0.count('x')\nprint(n)\n\nThat should do it.")
    assert parsed.code == "n = input_0.count('x')\nprint(n)"
    assert "Let me count" in parsed.reasoning
    assert "That should do it." in parsed.reasoning


@pytest.mark.parametrize(
    "reply",
    [
        "The answer is FINAL(42).",
        "I would call FINAL('x') now, but first I need to look.",
        "So the answer is:\n\nFINAL(42)",
        "42",
        "Done",
        "Yes",
        "",
        "Answer: ERROR lines = 12 (see above)",
    ],
)
def test_prose_that_mentions_an_answer_is_no_code(reply: str) -> None:
    assert parse_reply(reply).code == ""


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "THINK"])
def test_code_inside_reasoning_tags_does_not_run(tag: str) -> None:
    parsed = parse_reply(f"<{tag}>maybe\n```python\nFINAL(1)\n```\n</{tag}>\n```python\nFINAL(2)\n```")
    assert parsed.code == "FINAL(2)"
    assert "maybe" in parsed.reasoning


def test_a_lone_closing_tag_ends_reasoning_that_never_opened() -> None:
    assert parse_reply("hm ```python\nFINAL(1)\n```\n</think>\n```python\nFINAL(2)\n```").code == "FINAL(2)"


def test_reasoning_that_never_ends_holds_no_code() -> None:
    parsed = parse_reply("<think>first\n```python\nFINAL(1)\n```")
    assert parsed.code == ""
    assert parsed.reasoning.startswith("first")


def test_a_block_that_is_never_closed_is_known_as_open() -> None:
    parsed = parse_reply("```python\nx = [1,")
    assert parsed.open_block
    assert parsed.code == "x = [1,"


def test_a_cut_reply_and_its_continuation_make_one_block() -> None:
    first = "Look:\n```python\nx = [1,"
    assert parse_reply(join_continuation(first, " 2]\nFINAL(x)\n```")).code == "x = [1, 2]\nFINAL(x)"
    assert parse_reply(join_continuation(first, "```python\n 2]\n```")).code == "x = [1, 2]"


def test_windows_line_ends_tildes_indents_and_prompts_are_cleaned() -> None:
    assert parse_reply("```python\r\na = 1\r\nb = 2\r\n```").code == "a = 1\nb = 2"
    assert parse_reply("~~~py\na = 1\n~~~").code == "a = 1"
    assert parse_reply("1. so\n   ```python\n   for i in x:\n       i\n   ```").code == "for i in x:\n    i"
    assert parse_reply("```pycon\n>>> a = 1\n>>> print(a)\n1\n```").code == "a = 1\nprint(a)"


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    assert parse_reply('````python\ns = """\n```\n"""\n````').code == 's = """\n```\n"""'


def test_invalid_escapes_in_code_do_not_warn() -> None:
    assert parse_reply("```\nimport re\nprint(re.findall('\\d+', x))\n```").code.startswith("import re")


@given(st.text(alphabet=st.sampled_from("`~ab \n<>/think=()'\"FINAL1:python")))
def test_any_text_parses_without_an_error(text: str) -> None:
    parsed = parse_reply(text)
    assert parse_reply(parsed.reasoning) is not None


@given(st.text())
def test_text_in_a_python_fence_comes_back_as_the_cell(text: str) -> None:
    body = "print(" + repr(text) + ")"
    assert parse_reply(f"```python\n{body}\n```").code == body.strip("\n").rstrip()
