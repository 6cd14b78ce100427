import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from minrlm_nb.core.events import CellStarted, Event, ModelReplied, RunFinished, StepFinished
from minrlm_nb.core.records import Answer, RunRecord
from minrlm_nb.errors import TraceError
from minrlm_nb.trace import TraceWriter, build_notebook, default_path, read_trace, records_of, save_notebook
from tests.records import events_of, finished_run, hostile_run, log_profile

ROOT = Path(__file__).parents[2]


def _tell(writer: TraceWriter, record: RunRecord) -> None:
    for event in events_of(record):
        writer(event)


def _wait_for(path: Path, steps: int) -> RunRecord:
    """The trace, once it has that many steps."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and len((record := read_trace(path)).steps) == steps:
            return record
        time.sleep(0.005)
    raise AssertionError(f"{path} never had {steps} steps")


def _until(kind: type[Event], number: int) -> list[Event]:
    """Events up to the first of that kind in that step."""
    told: list[Event] = []
    for event in events_of(finished_run()):
        told.append(event)
        step = event.step.number if isinstance(event, StepFinished) else getattr(event, "number", None)
        if isinstance(event, kind) and step == number:
            return told
    raise AssertionError("no such event")


def test_a_finished_run_is_a_file_that_reads_back(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "deep" / "trace.ipynb", profiles=[log_profile()])
    _tell(writer, finished_run())
    assert writer.path == tmp_path / "deep" / "trace.ipynb"
    assert writer.problem is None
    assert read_trace(writer.path) == finished_run()
    nbformat.validate(writer.notebook)
    assert writer.notebook == build_notebook(finished_run(), [log_profile()])
    assert writer.path.read_text(encoding="utf-8") == nbformat.writes(writer.notebook) + "\n"


def test_hostile_text_is_written_and_read_back(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb")
    _tell(writer, hostile_run())
    assert read_trace(tmp_path / "trace.ipynb") == hostile_run()


def test_without_a_place_only_the_notebook_is_kept(tmp_path: Path) -> None:
    writer = TraceWriter()
    _tell(writer, finished_run())
    assert writer.path is None
    assert writer.notebook == build_notebook(finished_run())
    assert list(tmp_path.iterdir()) == []


def test_before_any_run_there_is_nothing_to_trace() -> None:
    with pytest.raises(TraceError, match="no run has begun"):
        _ = TraceWriter().notebook


def test_in_a_folder_the_file_is_named_after_date_and_task(tmp_path: Path) -> None:
    writer = TraceWriter(folder=tmp_path / "rlm_traces")
    _tell(writer, finished_run())
    name = "2026-11-22T12-44-05-how-many-error-lines-are-in-the-log-3f9a1c.ipynb"
    assert writer.path == tmp_path / "rlm_traces" / name
    assert [path.name for path in (tmp_path / "rlm_traces").iterdir()] == [name]


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("../../etc/passwd\0 CON: *?", "2026-11-22T12-44-05-etc-passwd-con-3f9a1c.ipynb"),
        ("Où est la Straße?", "2026-11-22T12-44-05-ou-est-la-strae-3f9a1c.ipynb"),
        ("何行ありますか", "2026-11-22T12-44-05-3f9a1c.ipynb"),
        ("word " * 100, "2026-11-22T12-44-05-word-word-word-word-word-word-word-word-word-3f9a1c.ipynb"),
        ("x" * 300, f"2026-11-22T12-44-05-{'x' * 48}-3f9a1c.ipynb"),
        ("\ud800", "2026-11-22T12-44-05-3f9a1c.ipynb"),
    ],
)
def test_a_name_is_safe_on_every_file_system(task: str, name: str) -> None:
    assert default_path(Path("traces"), replace(finished_run(), task=task)) == Path("traces") / name


def test_a_hostile_record_can_not_choose_its_folder() -> None:
    record = replace(finished_run(), started_at="../../x\0", run_id="/../../y", task="..")
    assert default_path(Path("traces"), record).parent == Path("traces")
    assert ".." not in str(default_path(Path("traces"), record))


def test_the_reply_is_on_disk_while_its_cell_runs(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb")
    for event in _until(CellStarted, 2):
        writer(event)
    record = _wait_for(tmp_path / "trace.ipynb", 2)
    first, second = finished_run().steps[:2]
    assert record.steps[0] == first
    assert (record.steps[1].reply, record.steps[1].code, record.steps[1].result) == (second.reply, second.code, None)
    assert record.stop_reason is None


def test_a_step_under_way_is_in_the_notebook(tmp_path: Path) -> None:
    writer = TraceWriter()
    for event in _until(ModelReplied, 2):
        writer(event)
    assert [step.number for step in records_of(writer.notebook)[0].steps] == [1, 2]


def test_a_killed_process_leaves_every_finished_step(tmp_path: Path) -> None:
    script = (
        "import sys, time; from tests.records import *; from minrlm_nb.trace import TraceWriter;"
        "writer = TraceWriter(sys.argv[1]);"
        "[writer(event) for event in events_of(finished_run())[:-3]];"
        "time.sleep(60)"
    )
    path = tmp_path / "trace.ipynb"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT) as process:
        try:
            record = _wait_for(path, 3)
        finally:
            process.send_signal(signal.SIGKILL)
    assert record.steps[:2] == finished_run().steps[:2]
    assert read_trace(path) == record


def test_a_process_that_ends_early_still_writes_what_it_knows(tmp_path: Path) -> None:
    script = (
        "import sys; from tests.records import *; from minrlm_nb.trace import TraceWriter;"
        "writer = TraceWriter(sys.argv[1]);"
        "[writer(event) for event in events_of(finished_run())[:-1]]"
    )
    path = tmp_path / "trace.ipynb"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=ROOT)
    assert read_trace(path).steps == finished_run().steps


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trace.ipynb"
    writer = TraceWriter(path)
    stop, broken = threading.Event(), []

    def watch() -> None:
        while not stop.is_set():
            try:
                json.loads(path.read_text())
            except FileNotFoundError:
                continue
            except ValueError as error:
                broken.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(10):
            _tell(writer, finished_run())
    finally:
        stop.set()
        watcher.join()
    assert not broken
    assert [item.name for item in tmp_path.iterdir()] == ["trace.ipynb"]


def test_a_place_that_can_not_be_written_ends_no_run_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[TraceError] = []
    writer = TraceWriter(tmp_path / "file" / "trace.ipynb", on_problem=told.append)
    _tell(writer, finished_run())
    assert len(told) == 1
    assert "can't be written to" in str(told[0])
    assert "the run goes on without it" in str(told[0])
    assert str(writer.problem) == str(told[0])
    assert writer.path is None
    assert writer.notebook == build_notebook(finished_run())


def test_the_next_save_is_tried_and_mends_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    writer = TraceWriter(tmp_path / "file" / "trace.ipynb")
    *early, last = events_of(finished_run())
    for event in early:
        writer(event)
    assert isinstance(last, RunFinished)
    deadline = time.monotonic() + 20
    while writer.problem is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert writer.problem is not None
    (tmp_path / "file").unlink()
    writer(last)
    assert writer.problem is None
    assert writer.path is not None
    assert read_trace(writer.path) == finished_run()


@contextmanager
def _no_file_beyond(size: int) -> Iterator[None]:
    """A limit of the system on the size of files, which fails a write as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_good_trace_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "trace.ipynb"
    told: list[TraceError] = []
    writer = TraceWriter(path, on_problem=told.append)
    *early, last = events_of(finished_run())
    for event in early:
        writer(event)
    before = _wait_for(path, 3)
    with _no_file_beyond(4_000):
        writer(last)
    assert len(told) == 1
    assert "File too large" in str(told[0])
    assert read_trace(path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["trace.ipynb"]


def test_an_answer_that_json_can_not_hold_costs_nothing_but_its_value(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb")
    _tell(writer, replace(finished_run(), answer=Answer(10**5000)))
    assert writer.problem is None
    record = read_trace(tmp_path / "trace.ipynb")
    assert record.steps == finished_run().steps
    assert record.answer is not None
    assert record.answer.value == "(int that can't be written as text)"
    assert "can't be kept in the trace" in record.answer.note


def test_a_later_run_becomes_a_further_turn(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb", profiles=[log_profile()])
    second = replace(finished_run(), run_id="second", task="And how many WARN lines?")
    _tell(writer, finished_run())
    writer.profiles = ()
    _tell(writer, second)
    notebook = writer.notebook
    nbformat.validate(notebook)
    assert records_of(notebook) == (finished_run(), second)
    assert read_trace(tmp_path / "trace.ipynb") == second
    titles = [cell.source.split("\n")[0] for cell in notebook.cells if cell.metadata.minrlm.role == "title"]
    assert titles == ["# How many ERROR lines are in the log?", "# 2. And how many WARN lines?"]
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5, 6]
    assert [cell.metadata.minrlm.turn for cell in notebook.cells if cell.metadata.minrlm.role == "heat"] == [1]


def test_facts_that_come_late_are_in_the_trace(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb")
    known = finished_run().inputs
    *early, last = events_of(replace(finished_run(), inputs=(replace(known[0], sha256=""),)))
    for event in early:
        writer(event)
    assert isinstance(last, RunFinished)
    writer(RunFinished(replace(last.record, inputs=known)))
    assert read_trace(tmp_path / "trace.ipynb").inputs == known


def test_a_notebook_is_saved_where_it_is_wanted(tmp_path: Path) -> None:
    save_notebook(build_notebook(finished_run()), tmp_path / "new" / "copy.ipynb")
    assert read_trace(tmp_path / "new" / "copy.ipynb") == finished_run()
    with pytest.raises(TraceError, match="name another path"):
        save_notebook(build_notebook(finished_run()), tmp_path)


def test_a_file_has_the_rights_that_files_get(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.ipynb")
    _tell(writer, finished_run())
    (tmp_path / "other").write_text("")
    assert (tmp_path / "trace.ipynb").stat().st_mode == (tmp_path / "other").stat().st_mode
