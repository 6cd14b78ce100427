import base64
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from nbformat.sign import NotebookNotary

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.records import Answer, CellResult, Output, RunRecord, SubCall, Usage
from minrlm_nb.trace import build_notebook
from minrlm_nb.trace.build import NotebookBuilder, TracedRun
from tests.page import Page
from tests.records import finished_run, hostile_profile, hostile_run, log_profile
from tests.trace.strategies import records

MIRROR = Path(__file__).with_name("finished_run.json")
"""The trace of `finished_run` as version 1 of the schema has it; ``python -m tests.trace.mirror`` renews it."""


def _text(record: RunRecord) -> str:
    return NotebookBuilder().text([TracedRun(record)])


def _sources(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells)


def test_a_trace_looks_like_its_mirror() -> None:
    assert _text(finished_run()) == MIRROR.read_text(encoding="utf-8")


@settings(max_examples=60, deadline=None)
@given(records)
def test_every_trace_is_valid_and_laid_out_as_jupyter_does_it(record: RunRecord) -> None:
    notebook = build_notebook(record)
    nbformat.validate(notebook)
    assert _text(record) == nbformat.writes(notebook) + "\n"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_the_parts_come_in_the_order_they_are_read() -> None:
    notebook = build_notebook(finished_run(), [log_profile()])
    nbformat.validate(notebook)
    roles = [(cell.metadata.minrlm.role, cell.cell_type) for cell in notebook.cells]
    assert roles == [
        ("title", "markdown"),
        ("facts", "markdown"),
        ("heat", "markdown"),
        ("reasoning", "markdown"),
        ("step", "code"),
        ("reasoning", "markdown"),
        ("step", "code"),
        ("after", "markdown"),
        ("reasoning", "markdown"),
        ("step", "code"),
        ("answer", "markdown"),
    ]
    assert notebook.metadata.kernelspec.name == "minrlm"


def test_title_facts_and_answer_can_be_read() -> None:
    notebook = build_notebook(finished_run(), [log_profile()])
    title, facts, answer = notebook.cells[0].source, notebook.cells[1].source, notebook.cells[-1].source
    assert title.startswith("# How many ERROR lines are in the log?\n\n**Answer:** 84")
    assert "unboxed" in title
    for fact in (
        "gpt-5-mini",
        "3 of 8",
        "5,700 read, 159 written",
        "<span>&#36;</span>0.0025",
        "4.90 s",
        "server.log",
        "abababababab",
    ):
        assert fact in facts
    assert answer.startswith("## Answer\n\n<pre>84</pre>")


def test_a_step_shows_its_code_and_its_real_outputs() -> None:
    cells = [cell for cell in build_notebook(finished_run()).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert cells[0].outputs[1].output_type == "error"
    assert cells[0].outputs[1].ename == "ModuleNotFoundError"
    assert [output.output_type for output in cells[1].outputs] == ["stream", "execute_result", "display_data"]
    assert cells[1].outputs[2].data["image/png"] == finished_run().steps[1].result.outputs[2].data["image/png"]  # type: ignore[union-attr]


def test_an_exception_without_an_output_of_its_own_is_still_shown() -> None:
    step = finished_run().steps[0]
    assert step.result is not None
    silent = replace(step, result=replace(step.result, outputs=step.result.outputs[:1]))
    cells = build_notebook(replace(finished_run(), steps=(silent,))).cells
    assert [output.output_type for output in cells[3].outputs] == ["stream", "error"]


def test_the_heat_strip_is_an_attachment_that_the_cell_shows() -> None:
    heat = build_notebook(finished_run(), [log_profile()]).cells[2]
    (name,) = heat.attachments
    assert f"](attachment:{name})" in heat.source
    assert base64.b64decode(heat.attachments[name]["image/png"]).startswith(b"\x89PNG")


def test_a_run_under_way_has_no_answer_cell() -> None:
    record = replace(finished_run(), answer=None, stop_reason=None)
    notebook = build_notebook(record)
    assert notebook.cells[-1].metadata.minrlm.role == "step"
    assert "under way" in notebook.cells[1].source


def test_a_run_without_an_answer_says_why() -> None:
    record = replace(finished_run(), answer=None, stop_reason="model_error", error="rate limited\nafter 3 tries")
    last = build_notebook(record).cells[-1].source
    assert last.startswith("## No answer\n\nThe run ended: model failed.\n\n<pre>rate limited&#10;after 3 tries</pre>")


def test_nothing_hostile_survives_in_markdown() -> None:
    notebook = build_notebook(hostile_run(), [hostile_profile()])
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            unquoted = "\n".join(line.removeprefix(">") for line in cell.source.split("\n"))
            page = Page(unquoted)
            assert page.names <= {"details", "summary", "p", "b", "pre", "code", "span"}, cell.id
            assert not page.attributes
            assert "$" not in cell.source
            assert not page.oddities
            links = re.findall(r"(?<!\\)\]\(([^)]*)\)", re.sub(r"<(pre|code)>.*?</\1>", "", cell.source))
            assert all(re.fullmatch(r"attachment:heat-\d+\.png", link) for link in links)
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", cell.source)


def test_outputs_show_text_and_bitmaps_only() -> None:
    for cell in build_notebook(hostile_run()).cells:
        for output in cell.get("outputs", []):
            assert set(output.get("data", {})) <= {"text/plain", "image/png", "image/jpeg"}
            shown = json.dumps(output)
            assert "\\u001b" not in shown
            assert "\\u0000" not in shown
            assert re.fullmatch(r"[A-Za-z0-9+/=]*", output.get("data", {}).get("image/png", ""))


def test_jupyter_can_sign_a_trace_of_hostile_text() -> None:
    notary = NotebookNotary(db_file=":memory:", secret=b"secret")
    try:
        assert notary.compute_signature(build_notebook(hostile_run(), [hostile_profile()]))
    finally:
        notary.store.close()


def test_an_answer_of_ten_megabytes_is_kept_once_and_shown_folded() -> None:
    answer = "All work and no play.\n" * (10 * 2**20 // 22)
    record = replace(finished_run(), answer=Answer(answer))
    assert len(_text(record)) < 1.1 * len(answer)
    notebook = build_notebook(record)
    assert len(_sources(notebook)) < 10_000
    assert f"Cut: 2,000 of {len(answer):,} characters" in notebook.cells[-1].source


def test_a_long_output_is_shown_cut() -> None:
    result = CellResult("ok", (Output("stdout", {"text/plain": "x" * 100_000}),))
    step = replace(finished_run().steps[2], result=result)
    cell = build_notebook(replace(finished_run(), steps=(step,))).cells[3]
    assert len(cell.outputs[0].text) < 21_000
    assert "cut: 20,000 of 100,000 characters" in cell.outputs[0].text


def test_many_sub_calls_are_folded_and_counted() -> None:
    calls = tuple(SubCall(i, "sub_llm", "task", reply="yes", usage=Usage(10, 1)) for i in range(100))
    step = replace(finished_run().steps[2], sub_calls=calls)
    after = build_notebook(replace(finished_run(), steps=(step,))).cells[4].source
    assert "<summary>100 sub-calls, 1,100 tokens</summary>" in after
    assert "and 75 more" in after


def test_a_reply_without_a_cell_is_shown_as_what_it_was() -> None:
    step = replace(finished_run().steps[0], code="", result=None, reasoning="", reply="I **think** it is 84.")
    notebook = build_notebook(replace(finished_run(), steps=(step,)))
    assert [cell.cell_type for cell in notebook.cells].count("code") == 0
    assert "The reply held no cell" in notebook.cells[2].source
    assert "I **think** it is 84." in notebook.cells[2].source


def test_a_reviewer_s_decision_is_shown() -> None:
    assert "reviewer: run" in build_notebook(finished_run()).cells[4].source


@pytest.mark.parametrize("name", ["api_key", "base_url", "headers", "MINRLM_API_KEY", "authorization"])
def test_nothing_but_known_settings_is_written(name: str) -> None:
    canary = "sk-canary-4f2a"
    record = replace(finished_run(), config={**RunConfig().as_dict(), name: canary})
    assert canary not in _text(record)


def test_the_same_run_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import sys; from tests.records import *; from minrlm_nb.trace.build import *;"
        "text = NotebookBuilder().text([TracedRun(hostile_run(), (hostile_profile(),))]);"
        "sys.stdout.buffer.write(text.encode())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=root)
    assert done.stdout.decode() == NotebookBuilder().text([TracedRun(hostile_run(), (hostile_profile(),))])
