"""The prompt for small models: it fits the data, stays short and takes any data at all."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.core.prompts import Brief, SmallView, style_for
from minrlm_nb.core.prompts.small_view import json_values, reading_code, show
from minrlm_nb.core.records import CellError, CellResult, Message, Output
from minrlm_nb.core.tokens import estimate_tokens

CSV = "id,city,price\n1,Oslo,2.5\n2,Rome,3\n3,Bern,\n"
LOG = "".join(f"2026-11-22 12:00:0{n} ERROR worker-{n}: disk {n} is full after {n} ms\n" for n in range(6))
WEB = "".join(f'10.0.0.{n} - - [22/Nov/2026:12:00:0{n} +0000] "GET /a HTTP/1.1" 200 {n}12\n' for n in range(6))
JSON = json.dumps({"shop": "Paws", "pets": [{"name": "Rex", "age": 3}, {"name": "Tom", "age": 4}]})
JSONL = "".join(json.dumps({"who": name, "cost": 3}) + "\n" for name in ("eve", "bob", "eve"))
PROSE = "It was a calm morning. The sea lay still, and nobody spoke.\n" * 20

VIEWS = {
    kind: SmallView("input_0", text[:1000], kind, (), len(text), text.count("\n"))
    for kind, text in [("csv", CSV), ("log", LOG), ("json", JSON), ("jsonl", JSONL), ("prose", PROSE)]
}
KINDS = ["csv", "json", "jsonl", "log", "lines", "records", "markup", "markdown", "code", "prose", "binary", "none"]
STYLE = style_for("small")


def opening(*views: SmallView, task: str = "How many?") -> tuple[Message, ...]:
    return STYLE.opening(task, Brief("", views))


@pytest.mark.parametrize("kind", VIEWS)
def test_the_opening_is_system_examples_and_the_question_last(kind: str) -> None:
    messages = opening(VIEWS[kind])
    assert [m.role for m in messages] == ["system", *["user", "assistant"] * ((len(messages) - 2) // 2), "user"]
    assert messages[-1].content.endswith("Question: How many?")
    assert all("FINAL(" in m.content for m in messages if m.role == "assistant")


@pytest.mark.parametrize("kind", VIEWS)
def test_two_inputs_of_a_kind_share_everything_before_the_data(kind: str) -> None:
    other = SmallView("input_0", VIEWS[kind].head.replace("2", "7"), kind, (), 10**6, 10)
    assert opening(VIEWS[kind])[:2] == opening(other)[:2]


@pytest.mark.parametrize("kind", VIEWS)
def test_the_prompt_stays_short_whatever_the_size_of_the_data(kind: str) -> None:
    view = SmallView("input_0", VIEWS[kind].head * 500, kind, (), 10**9, 10**7)
    assert sum(estimate_tokens(m.content) for m in opening(view)) < 1_700


@pytest.mark.parametrize(("kind", "text"), [("csv", CSV), ("log", LOG), ("log", WEB), ("json", JSON), ("jsonl", JSONL)])
def test_the_code_that_reads_an_input_runs_and_gives_what_the_prompt_shows(kind: str, text: str) -> None:
    view = SmallView("input_0", text, kind, (), len(text), 6)
    names = {"input_0": text, "csv": csv, "io": io, "json": json, "re": re}
    exec(reading_code(view), names)
    for line in show(view, 600).splitlines():
        if found := re.fullmatch(r'((?:rows|data)\[.*\]) = ("[^.]*"|\'[^.]*\'|[\d.]+)', line):
            assert repr(eval(found[1], names)) == found[2]


@pytest.mark.parametrize("kind", VIEWS)
def test_the_code_of_the_examples_is_python_that_compiles(kind: str) -> None:
    for message in opening(VIEWS[kind]):
        if message.role == "assistant":
            compile(message.content.removeprefix("```python\n").removesuffix("\n```"), "example", "exec")


def test_without_any_input_the_question_stands_alone() -> None:
    assert opening()[-1].content == "Question: How many?"


def test_several_inputs_share_the_room() -> None:
    first, second = VIEWS["csv"], SmallView("input_1", PROSE, "prose", (), len(PROSE), 20)
    told = opening(first, second)[-1].content
    assert "input_0 is CSV" in told
    assert "input_1 is prose" in told


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("list index out of range", "Nothing matched"),
        ("could not convert string to float: '3 ms'", "Take the number out"),
    ],
)
def test_a_frequent_error_comes_with_a_plain_hint(value: str, hint: str) -> None:
    told = STYLE.after_cell(CellResult("error", error=CellError("ValueError", value, "", 3)), ())
    assert "Line 3 failed" in told
    assert hint in told


def test_a_cell_without_an_answer_is_asked_for_one() -> None:
    told = STYLE.after_cell(CellResult("ok", (Output("stdout", {"text/plain": "42\n"}),)), ["2 steps left."])
    assert told == "It printed:\n42\nNow reply with a program that ends with FINAL(answer).\n2 steps left."


def test_paths_into_json_are_shown_even_when_it_is_cut() -> None:
    assert json_values('{"a": 1, "b": [{"c": "x"}, {"c": "y', "data") == ['data["a"] = 1', 'data["b"][0]["c"] = \'x\'']


@given(st.sampled_from(KINDS), st.text(max_size=300), st.booleans())
def test_any_data_can_be_shown(kind: str, head: str, cut: bool) -> None:
    view = SmallView("input_0", head, kind, (), len(head) + cut * 10_000, 3)
    assert opening(view)[-1].content


@given(st.sampled_from(KINDS), st.text(alphabet="\"'{}[],:;\n\t|0a-\x00é", max_size=200))
def test_broken_data_of_any_kind_can_be_shown(kind: str, head: str) -> None:
    assert opening(SmallView("input_0", head, kind, (), 10_000, 3))[-1].content


def test_names_that_the_examples_use_are_there_in_the_kernel() -> None:
    names = {"csv": csv, "io": io, "json": json, "re": re, "Counter": Counter, "defaultdict": defaultdict}
    used = {
        word
        for view in VIEWS.values()
        for message in opening(view)
        if message.role == "assistant"
        for word in re.findall(r"\b(csv|io|json|re|math|datetime|Counter|defaultdict)\b[.(]", message.content)
    }
    assert used <= set(names)
