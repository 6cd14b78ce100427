import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings

from minrlm_nb.core.records import RunRecord
from minrlm_nb.errors import TraceError
from minrlm_nb.trace import build_notebook, load, read_trace, records_of
from minrlm_nb.trace.build import NotebookBuilder, TracedRun
from tests.records import finished_run, hostile_run
from tests.trace.same import same
from tests.trace.strategies import records
from tests.trace.test_build import MIRROR


def _text(*runs: RunRecord) -> str:
    return NotebookBuilder().text([TracedRun(run) for run in runs])


def _saved(path: Path, change: Any) -> Path:
    notebook = json.loads(_text(finished_run()))
    change(notebook)
    path.write_text(json.dumps(notebook))
    return path


@settings(max_examples=80, deadline=None)
@given(records)
def test_what_was_written_is_read_back(record: RunRecord) -> None:
    text = _text(record).encode("utf-8").decode("utf-8")
    assert same(records_of(json.loads(text))[0], record)


@settings(max_examples=30, deadline=None)
@given(records)
def test_a_trace_that_jupyter_saved_again_is_read_back(record: RunRecord) -> None:
    again = nbformat.writes(nbformat.reads(_text(record), as_version=4))
    assert same(records_of(json.loads(again))[0], record)
    assert same(records_of(build_notebook(record))[0], record)


def test_a_trace_of_version_1_is_read() -> None:
    record = read_trace(MIRROR)
    assert record.answer is not None
    assert (record.answer.value, record.stop_reason, len(record.steps)) == (84, "answered", 3)
    assert record == finished_run()


def test_a_file_gives_the_record_and_the_notebook(tmp_path: Path) -> None:
    path = tmp_path / "trace.ipynb"
    path.write_text(_text(finished_run()))
    record, notebook = load(path)
    assert record == finished_run()
    assert notebook == build_notebook(finished_run())


def test_the_last_of_several_turns_is_the_record_and_all_can_be_had() -> None:
    second = replace(hostile_run(), run_id="second")
    notebook = json.loads(_text(finished_run(), second))
    assert records_of(notebook) == (finished_run(), second)


def test_a_cell_that_was_run_again_gives_its_new_outputs(tmp_path: Path) -> None:
    def run_again(notebook: Any) -> None:
        notebook["cells"][5]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["new ", "output\n"]}]

    record = read_trace(_saved(tmp_path / "trace.ipynb", run_again))
    result = record.steps[1].result
    assert result is not None
    assert [output.text for output in result.outputs] == ["new output\n"]


def test_a_cell_that_was_edited_gives_its_new_code(tmp_path: Path) -> None:
    def edit(notebook: Any) -> None:
        notebook["cells"][5]["source"] = "FINAL(85)"

    assert read_trace(_saved(tmp_path / "trace.ipynb", edit)).steps[1].code == "FINAL(85)"


def _delete(*keys: Any) -> Any:
    def change(notebook: Any) -> None:
        for key in keys[:-1]:
            notebook = notebook[key]
        del notebook[keys[-1]]

    return change


def _put(value: Any, *keys: Any) -> Any:
    def change(notebook: Any) -> None:
        for key in keys[:-1]:
            notebook = notebook[key]
        notebook[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_delete("metadata", "minrlm"), "is a notebook but not a trace"),
        (_put(2, "metadata", "minrlm", "version"), "is a trace of version 2; this minrlm_nb reads up to 1: upgrade it"),
        (_put("1", "metadata", "minrlm", "version"), "metadata.minrlm.version is '1'; it should be a whole number"),
        (_put([], "metadata", "minrlm", "turns"), "metadata.minrlm.turns is []; it should be a list of at least one"),
        (_delete("metadata", "minrlm", "turns", 0, "task"), "turn 1 has no 'task'"),
        (
            _delete("metadata", "minrlm", "turns", 0, "steps"),
            "turn 1.steps is None; it should be a list of step numbers",
        ),
        (_put("x", "metadata", "minrlm", "turns", 0, "usage"), "turn 1.usage is 'x'; it should be an object"),
        (_delete("cells", 5), "turn 1: step 2 has no cell; the trace was edited or damaged"),
        (_delete("cells"), "is not a Jupyter notebook of format 4"),
        (_put(7, "cells", 5, "source"), "step 2: the cell's source is 7; it should be text"),
        (_put([{"output_type": "pyout"}], "cells", 5, "outputs"), "step 2.outputs[0] is 'pyout'; it should be stream"),
        (_put("ok!", "cells", 5, "metadata", "minrlm", "step", "result", "status"), "step 2.result.status is 'ok!'"),
        (_put(None, "cells", 5, "metadata", "minrlm", "step", "result", "outputs"), "step 2.outputs is None"),
        (_delete("cells", 5, "metadata", "minrlm", "step", "reply"), "step 2 has no 'reply'"),
    ],
)
def test_a_damaged_trace_is_refused_with_the_place(tmp_path: Path, change: Any, complaint: str) -> None:
    path = _saved(tmp_path / "trace.ipynb", change)
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "its JSON is damaged"),
        (b"{", "its JSON is damaged"),
        (b"[" * 200_000, "its JSON is damaged"),
        (b"[]", "is not a Jupyter notebook"),
        (b"{}", "is not a Jupyter notebook of format 4"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (nbformat.writes(nbformat.v4.new_notebook()).encode(), "is a notebook but not a trace"),
        (_text(finished_run()).encode()[:-500], "its JSON is damaged"),
    ],
)
def test_a_foreign_file_is_refused_with_the_reason(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "foreign.ipynb"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=complaint):
        read_trace(path)


def test_a_missing_file_is_a_trace_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="can't be read: No such file"):
        read_trace(tmp_path / "none.ipynb")
    with pytest.raises(TraceError, match="can't be read: Is a directory"):
        read_trace(tmp_path)
