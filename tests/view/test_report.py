import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from minrlm_nb.core.records import Answer, CellError, CellResult, Output, RunRecord, Step, SubCall, Usage
from minrlm_nb.view.report import report_html, report_text
from minrlm_nb.view.theme import style_sheet
from tests.page import Page
from tests.records import PIXEL, finished_run, hostile_profile, hostile_run, log_profile
from tests.trace.strategies import records

ELEMENTS = {"div", "span", "style", "details", "summary", "pre", "code", "img", "b"}
ATTRIBUTES = {"class", "title", "alt", "src", "open", "data-lm-suppress-shortcuts"}
_NO_MATH = " mathjax_ignore tex2jax_ignore"


def assert_harmless(html: str) -> Page:
    """Nothing on the page but our own elements and attributes, pictures only as data."""
    html.encode("utf-8")
    page = Page(html)
    assert page.names <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert not page.oddities
    for name, attributes in page.elements:
        assert re.fullmatch(r"(mrlm[a-z-]*( |$))+", attributes.get("class", "mrlm").removesuffix(_NO_MATH))
        if name == "img":
            assert re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", attributes["src"])
    assert page.elements[0][1]["class"] == "mrlm" + _NO_MATH
    assert html.count("<style>") == 1
    assert style_sheet() in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)
    return page


def test_nothing_hostile_acts_in_the_report() -> None:
    page = assert_harmless(report_html(hostile_run(), (hostile_profile(),), variable="<b>"))
    assert '<script>alert("xss")</script>' in page.text
    assert sum(name == "img" for name, _ in page.elements) == 1


@settings(max_examples=60, deadline=None)
@given(records)
def test_every_record_gives_a_harmless_report(record: RunRecord) -> None:
    assert_harmless(report_html(record))
    report_text(record).encode("utf-8")


def test_the_report_says_what_was_asked_answered_and_spent() -> None:
    text = Page(report_html(finished_run(), (log_profile(),))).text
    for words in (
        "How many ERROR lines are in the log?",
        "84",
        "gpt-5-mini",
        "3 of 8",
        "5,700 read",
        "$0.0025",
        "4.90 s",
    ):
        assert words in text
    assert text.index("84") < text.index("gpt-5-mini") < text.index("There is no pandas")


def test_the_heat_strip_has_a_tooltip_for_every_section() -> None:
    profile = log_profile()
    page = Page(report_html(finished_run(), (profile,)))
    titles = [attributes["title"] for _, attributes in page.elements if "title" in attributes]
    assert len(titles) == len(profile.entropy.sections)
    assert titles[0].startswith("characters 0 to 1,")
    assert sum("unlike the rest" in title for title in titles) == len(profile.entropy.spikes) > 0


def test_an_unboxed_run_and_a_small_model_carry_a_warning() -> None:
    boxed = replace(finished_run(), isolation="bwrap", notices=())
    assert "unboxed" not in report_html(boxed)
    assert "Cells ran unboxed, with your rights" in report_html(finished_run())
    assert "small local model" not in report_html(boxed).lower()
    assert "Small local model: check the code" in report_html(replace(boxed, model="local:1.5b"))


def _opened(record: RunRecord) -> list[bool]:
    page = Page(report_html(record))
    return ["open" in attributes for name, attributes in page.elements if attributes.get("class") == "mrlm-step"]


def test_steps_are_folded_unless_they_want_reading() -> None:
    run = finished_run()
    assert _opened(run) == [False, False, False]
    assert _opened(replace(run, answer=None, stop_reason="time")) == [False, False, True]
    assert _opened(replace(run, model="local:1.5b")) == [True, True, True]


def test_a_run_without_an_answer_shows_its_error() -> None:
    record = replace(finished_run(), answer=None, stop_reason="model_error", error="the key was refused")
    page = Page(report_html(record))
    assert "Errorthe key was refused" in page.text
    assert "model failed" in page.text


def test_an_answer_of_ten_megabytes_is_cut_and_points_to_its_variable() -> None:
    record = replace(finished_run(), answer=Answer("word " * 2 * 2**20))
    html = report_html(record, variable="errors")
    assert len(html) < 40_000
    assert "2,000 of 10,485,760 characters; the variable errors has the whole" in html
    assert len(report_text(record)) < 3_000


def test_long_things_are_cut_and_many_are_counted() -> None:
    outputs = tuple(Output("stdout", {"text/plain": "x" * 100_000}) for _ in range(200))
    call = SubCall(1, "sub_llm", "t" * 10_000, "c" * 10_000, None, "r" * 10_000, "", Usage(1, 1))
    result = CellResult("ok", outputs, notices=("n" * 10_000,) * 100)
    step = Step(1, "why " * 50_000, "x = 1\n" * 50_000, "", result=result, sub_calls=(call,) * 500)
    steps = tuple(replace(step, number=number) for number in range(1, 501))
    html = report_html(replace(finished_run(), steps=steps, task="why " * 50_000, notices=("n" * 10_000,) * 500))
    assert_harmless(html)
    assert "450 steps more, all in the trace" in html
    assert "475 more; the trace has them all" in html
    assert len(html) < 3_000_000


def test_pictures_are_shown_and_others_named() -> None:
    outputs = (
        Output("display", {"text/plain": "<Figure>", "image/png": PIXEL}),
        Output("display", {"text/plain": "<svg>", "image/svg+xml": "<svg onload=alert(1)>"}),
        Output("display", {"text/plain": "broken", "image/png": "not base64!"}),
        Output("display", {"text/plain": "huge", "image/png": "A" * 8 * 2**20}),
    )
    record = replace(finished_run(), steps=(Step(1, "", "plot()", "", result=CellResult("ok", outputs)),))
    page = assert_harmless(report_html(record))
    assert [attributes["alt"] for name, attributes in page.elements if name == "img"] == ["<Figure>"]
    assert all(word in page.text for word in ("<svg>", "broken", "huge"))


def test_an_exception_without_an_output_is_shown() -> None:
    result = CellResult("error", (), CellError("ValueError", "too small"))
    record = replace(finished_run(), steps=(Step(1, "", "f()", "", result=result),))
    assert "ValueError: too small" in Page(report_html(record)).text


@pytest.mark.parametrize(
    ("status", "mark"), [("timeout", "took too long"), ("died", "kernel died"), ("interrupted", "stopped"), ("ok", "✓")]
)
def test_how_a_cell_ended_is_marked(status: str, mark: str) -> None:
    result = CellResult(status)  # type: ignore[arg-type]
    record = replace(finished_run(), steps=(Step(1, "", "f()", "", result=result),))
    assert mark in Page(report_html(record)).text


def test_reasoning_keeps_bold_words_and_code() -> None:
    html = report_html(finished_run())
    assert "<b>levels</b>" in html
    assert '<code class="mrlm-name">df[&#x27;level&#x27;]</code>' in html


def test_the_style_sheet_touches_nothing_outside() -> None:
    rules = re.sub(
        r"@(media|container) ?\([^)]*\)\{", "", style_sheet().removeprefix("<style>").removesuffix("</style>")
    )
    selectors = [selector for rule in re.findall(r"([^{}]+)\{", rules) for selector in rule.split(",")]
    assert selectors
    assert all(re.match(r"\.mrlm[ {]|\.mrlm$|\.mrlm ", selector) for selector in selectors)
    assert "http" not in style_sheet()
    assert "@import" not in style_sheet()


def test_the_plain_text_says_answer_and_facts_on_few_lines() -> None:
    assert report_text(finished_run()) == (
        "84\n"
        "(answered · gpt-5-mini · isolation none (unboxed) · steps 3 of 8 · sub-calls 3"
        " · tokens 5,700 read, 159 written · $0.0025 · 4.90 s)\n"
        "cells ran unboxed, with your rights"
    )
    failed = replace(finished_run(), answer=None, stop_reason="time", error="")
    assert report_text(failed).startswith("no answer: time ran out\n")
