"""What a small model is told: views of every kind, examples that run, hints, passages."""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import json
import random
import re
import string
from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.core.passages import best_passages
from minrlm_nb.core.prompts import Brief, SmallView, style_for
from minrlm_nb.core.prompts.small_examples import NO_INPUT, examples_for
from minrlm_nb.core.prompts.small_view import json_values, reading_code, shape_of, show
from minrlm_nb.core.records import CellError, CellResult, Message, Output

STYLE = style_for("small")

ACCESS = (
    '10.0.3.24 - - [04/Mar/2024:06:00:49 +0000] "GET /index.html HTTP/1.1" 500 20 "-" "Mozilla/5.0 (X11; Linux)"\n'
    '10.0.0.37 - - [04/Mar/2024:06:01:38 +0000] "POST /api HTTP/1.1" 304 355 "-" "curl/8.5.0"\n'
)
EVENTS = (
    "2025-01-15 00:00:30.617 [ERROR] worker-1: connection refused by db-2\n"
    "2025-01-15 00:01:00.948 [INFO] worker-5: job 8614 finished in 491 ms\n"
)
TEXTS = {
    "table": ("csv", "id,city,sales\n1,Oslo,20\n2,Rome,35\n"),
    "objects": ("jsonl", '{"who": "bob", "cost": 12}\n{"who": "eve", "cost": 7}\n'),
    "words": ("log", ACCESS),
    "messages": ("log", EVENTS),
    "json": ("json", '{"pets": [{"name": "Rex", "age": 3}], "towns": {"Rome": {"open": 1990}}}'),
    "prose": ("prose", "It was a calm morning. The sea lay still.\n"),
}


def view(kind: str, text: str, name: str = "input_0") -> SmallView:
    return SmallView(name, text[:640], kind, (), len(text), text.count("\n"))


def run(code: str, text: str) -> dict[str, Any]:
    """Run code as the REPL kernel would, as far as the examples need it."""
    answers: list[Any] = []
    names: dict[str, Any] = {
        "re": re,
        "csv": csv,
        "io": io,
        "json": json,
        "Counter": Counter,
        "defaultdict": defaultdict,
        "input_0": text,
        "FINAL": answers.append,
        "sub_llm": lambda task, text: f"read {len(text)}",
    }
    exec(code, names)
    return {**names, "answers": answers}


@pytest.mark.parametrize(("shape", "kind", "text"), [(shape, *pair) for shape, pair in TEXTS.items()])
def test_each_kind_is_read_in_its_way(shape: str, kind: str, text: str) -> None:
    assert shape_of(view(kind, text)) == shape


@pytest.mark.parametrize("kind_and_text", [pair for shape, pair in TEXTS.items() if shape != "prose"])
def test_the_code_shown_reads_the_input_and_gives_the_values_shown(kind_and_text: tuple[str, str]) -> None:
    kind, text = kind_and_text
    shown = view(kind, text)
    names = run(reading_code(shown), text)
    values = re.findall(r"^((?:rows|data)\[.*\]) = (.+)$", show(shown, 600), re.MULTILINE)
    assert len(values) >= 2
    for where, value in values:
        assert eval(where, dict(names)) == ast.literal_eval(value)


def test_a_web_servers_log_gets_the_names_of_its_fields() -> None:
    row = run(reading_code(view("log", ACCESS)), ACCESS)["rows"][1]
    assert (row["ip"], row["method"], row["path"], row["status"], row["bytes"]) == (
        "10.0.0.37",
        "POST",
        "/api",
        "304",
        "355",
    )


def test_a_line_of_free_text_keeps_it_whole() -> None:
    row = run(reading_code(view("log", EVENTS)), EVENTS)["rows"][0]
    assert (row["date"], row["level"], row["message"]) == ("2025-01-15", "ERROR", "connection refused by db-2")


def test_key_and_value_pairs_are_named_by_their_keys() -> None:
    text = "2025-06-01T08:00:52Z gate=D card=112 granted\n2025-06-01T08:01:24Z gate=B card=148 denied\n"
    assert run(reading_code(view("log", text)), text)["rows"][1]["gate"] == "gate=B"


def test_a_table_keeps_its_delimiter() -> None:
    text = "name;salary\nKira;99600\nNils;100200\n"
    assert run(reading_code(view("records", text)), text)["rows"][1]["salary"] == "100200"


def test_a_table_without_a_delimiter_is_read_as_words() -> None:
    text = " 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n"
    assert shape_of(view("records", text)) == "words"
    assert run(reading_code(view("records", text)), text)["rows"][0]["number4"] == "29.33"


def test_a_list_of_objects_is_read_as_rows() -> None:
    text = json.dumps([{"name": "a", "size": None}, {"name": "b", "size": 2}], indent=1)
    assert reading_code(view("json", text)) == "rows = json.loads(input_0)"
    assert 'rows[0]["size"] = None' in show(view("json", text), 600)


def test_json_that_is_cut_still_shows_its_first_values() -> None:
    assert (
        json_values('{"a": {"b": ["x", "y"], "c\\"": tru', "data")
        == [
            'data["a"]["b"][0] = \'x\'',
            'data["a"]["b"][1] = \'y\'',
        ][:1]
    )


@given(
    st.text(alphabet='{}[]:,"\\ab1 \n', max_size=80), st.sampled_from(["json", "jsonl", "log", "csv", "prose", "code"])
)
def test_no_head_breaks_the_prompt(head: str, kind: str) -> None:
    shown = SmallView("input_0", head, kind, (), 1000, 5)
    messages = STYLE.opening("How many?", Brief("", (shown,)))
    assert messages[-1].content.endswith("Question: How many?")


@pytest.mark.parametrize(("kind", "text"), TEXTS.values())
def test_the_prompt_is_short_and_starts_the_same_for_every_task(kind: str, text: str) -> None:
    one = STYLE.opening("How many?", Brief("", (view(kind, text * 100),)))
    other = STYLE.opening("Who?", Brief("", (view(kind, text * 100),)))
    assert one[:-1] == other[:-1]
    assert [message.role for message in one] == ["system", *["user", "assistant"] * ((len(one) - 2) // 2), "user"]
    assert sum(len(message.content) for message in one) < 4500


@pytest.mark.parametrize("shape", TEXTS)
def test_the_programs_of_the_examples_run_and_answer(shape: str) -> None:
    kind, text = TEXTS[shape]
    examples = examples_for(view(kind, text))
    sample = {
        "table": "id,city,sales,price\n1,Oslo,20,2.5\n2,Rome,35,4.0\n",
        "objects": '{"who": "bob", "kind": "buy", "cost": 12}\n{"who": "eve", "kind": "sell", "cost": 7}',
        "words": '[09:01] bob "buy" Oslo 12\n[09:02] eve "sell" Rome 7\n',
        "messages": (
            "[09:01] INFO bob: order 83 paid with 12 EUR in Oslo\n[09:02] WARN eve: order 84 with 7 EUR refused\n"
        ),
        "json": json.dumps(
            {
                "shop": "Paws",
                "pets": [{"name": "Rex", "kind": "dog", "owner": {"city": "Oslo"}, "age": 3}],
                "towns": {"Rome": {"open": 1990}},
            }
        ),
        "prose": "the sea, the Sea",
    }[shape]
    answers = [run(_code(message), sample)["answers"] for message in examples if message.role == "assistant"]
    assert all(len(given) == 1 and given[0] for given in answers)


def _code(message: Message) -> str:
    match = re.fullmatch(r"```python\n(.*)\n```", message.content, re.DOTALL)
    assert match is not None
    return match[1]


def test_pure_computation_has_its_own_example() -> None:
    messages = STYLE.opening("What is 2 + 2?", Brief())
    assert messages[1:-1] == NO_INPUT
    assert messages[-1].content == "Question: What is 2 + 2?"


def test_several_inputs_share_the_room() -> None:
    brief = Brief("", (view("csv", TEXTS["table"][1]), view("log", ACCESS * 9, "input_1")))
    last = STYLE.opening("Who?", brief)[-1].content
    assert "io.StringIO(input_0)" in last
    assert "input_1.splitlines()" in last


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("IndexError", "list index out of range", "Nothing matched"),
        ("KeyError", "'id'", "no such key"),
        ("ValueError", "could not convert string to float: '315ms'", "Take the number out"),
        ("ValueError", "could not convert string to float: 'NA'", "Skip the rows"),
        ("TypeError", "'>' not supported between instances of 'NoneType' and 'int'", "None"),
    ],
)
def test_errors_that_are_seen_often_get_a_hint(name: str, value: str, hint: str) -> None:
    told = STYLE.after_cell(CellResult("error", error=CellError(name, value, line=3)), ())
    assert f"Line 3 failed: {name}: {value}" in told
    assert hint in told
    assert told.endswith("input_0 is there already.")


def test_a_cell_without_an_answer_is_shown_and_asked_for_one() -> None:
    result = CellResult("ok", (Output("stdout", {"text/plain": "x" * 5000}),), notices=("a note",))
    told = STYLE.after_cell(result, ("2 steps left",))
    assert len(told) < 1500
    assert told.startswith("It printed:\nxxx")
    assert told.endswith("a note\nNow reply with a program that ends with FINAL(answer).\n2 steps left")


def test_the_last_turn_names_the_limit() -> None:
    assert STYLE.last_turn("the time is up").startswith("The time is up. Reply with one line")


def test_a_passage_is_found_by_the_questions_rarest_words() -> None:
    dice = random.Random(1)
    filler = [" ".join(dice.choices(["the ship", "sailed", "and", "waves", "rose"], k=60)) for _ in range(400)]
    filler.insert(250, "Her cat Dinah slept on the ship's chart.")
    text = "\n".join(filler)
    found = best_passages(text, "What is the name of her cat?", 2000)
    assert "Dinah" in found
    assert len(found) <= 2000


def test_a_short_text_is_read_whole() -> None:
    assert best_passages("short", "What?", 100) == "short"


def test_passages_keep_their_order_and_show_their_gaps() -> None:
    lines = [f"line {n} " + "-" * 480 for n in range(50)]
    lines[40] += " zebra"
    lines[3] += " zebra"
    found = best_passages("\n".join(lines), "Where is the zebra?", 1200)
    assert found.index("line 3 ") < found.index("\n...\n") < found.index("line 40 ")


@given(st.text(alphabet=string.printable, max_size=3000), st.text(max_size=40), st.integers(600, 2000))
def test_passages_are_pieces_of_the_text_within_the_room(text: str, question: str, most: int) -> None:
    found = best_passages(text, question, most)
    assert len(found) <= max(most, 0) or found == text
    with contextlib.suppress(ValueError):
        for piece in found.split("\n...\n"):
            assert piece in text
