"""The Python face, with a scripted model and real kernels."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from minrlm_nb import RLM, RunResult, heatmap, load_trace
from minrlm_nb.core.events import Event, RunFinished, RunStarted
from minrlm_nb.errors import ConfigError, InputError, NoModelError, NotAvailableError, TraceError
from minrlm_nb.testing import ScriptedModel, ScriptedServer

LENGTH = "```python\nFINAL(len(input_0))\n```"
SIGNATURE = (
    "(model=None, base_url=None, api_key=None, *, client=None, isolation='auto', max_steps=8, max_time_s=300, "
    "cell_timeout_s=30, max_tokens=None, max_cost_usd=None, max_sub_calls=100, sub_concurrency=8, depth=1, "
    "review=None, route='auto', schema=None, tools=(), packages=(), temperature=0.0, reasoning_effort=None, "
    "max_output_tokens=None, trace_dir='rlm_traces', on_event=None)"
)


def ask(context: Any = "", reply: str = LENGTH, **options: Any) -> RunResult:
    with RLM(ScriptedModel([reply]), **options) as rlm:
        return rlm.completion("How long?", context)


def test_the_signature_is_the_promised_one() -> None:
    parameters = inspect.signature(RLM).parameters.values()
    plain = inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in parameters])
    assert str(plain) == SIGNATURE


def test_a_result_says_everything_about_its_run(tmp_path: Path) -> None:
    result = ask("abc\n" * 5)
    assert (result.answer, result.text, result.stop_reason, result.error) == (20, "20", "answered", "")
    assert result.isolation == "none"
    assert result.usage.total_tokens > 0
    assert result.duration_s > 0
    assert result.steps[0].code == "FINAL(len(input_0))"
    assert "answer=20" in repr(result)
    assert result.path is not None
    assert result.path.parent == Path("rlm_traces")


def test_a_saved_trace_is_a_valid_notebook_and_reads_back_equal(tmp_path: Path) -> None:
    result = ask("abc\n" * 5)
    path = result.save(tmp_path / "deep" / "run.ipynb")
    nbformat.validate(nbformat.read(path, as_version=4))
    assert load_trace(path) == result
    assert result.path is not None
    assert load_trace(result.path) == result
    assert result.record.inputs[0].sha256


def test_no_trace_folder_means_no_file(tmp_path: Path) -> None:
    result = ask("abc", trace_dir=None)
    assert result.path is None
    assert not list(tmp_path.iterdir())
    assert result.trace.cells


def test_a_trace_that_cannot_be_saved_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="another path"):
        ask("abc", trace_dir=None).save(tmp_path / "file" / "run.ipynb")


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("text", "text"),
        (b"bytes \xc3\xa9", "bytes é"),
        ("\r\n\x00\ud800", "\r\n\x00\ud800"),
        ({"a": [1, 2]}, {"a": [1, 2]}),
        ([1, {"b": 2}], [1, {"b": 2}]),
    ],
)
def test_inputs_of_every_kind_arrive_as_their_text(context: Any, expected: Any) -> None:
    code = (
        "```python\nFINAL(input_0)\n```" if isinstance(expected, str) else "```python\nFINAL(json.loads(input_0))\n```"
    )
    assert ask(context, code).answer == expected


def test_files_and_frames_become_several_inputs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("file")
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    result = ask([path, frame, "text"], "```python\nFINAL([input_0, input_1, input_2])\n```")
    assert result.answer == ["file", "x,y\n1,a\n2,b\n", "text"]
    assert [facts.name for facts in result.record.inputs] == ["input_0", "input_1", "input_2"]


def test_a_missing_file_is_refused_before_the_model_is_asked() -> None:
    model = ScriptedModel([LENGTH])
    with RLM(model) as rlm, pytest.raises(InputError, match="nowhere"):
        rlm.completion("?", Path("nowhere.log"))
    assert model.requests == []


@pytest.mark.parametrize("task", ["", "  ", None, 3])
def test_a_task_must_be_a_text(task: Any) -> None:
    with RLM(ScriptedModel([LENGTH])) as rlm, pytest.raises(ConfigError, match="task"):
        rlm.completion(task)


@pytest.mark.parametrize(
    "later",
    [{"review": True}, {"route": "search"}, {"schema": {}}, {"tools": [print]}, {"packages": ["pandas"]}],
)
def test_what_a_later_version_brings_is_refused_not_ignored(later: dict[str, Any]) -> None:
    with pytest.raises(NotAvailableError, match=next(iter(later))):
        RLM(ScriptedModel([LENGTH]), **later)


def test_the_heatmap_alone_comes_later() -> None:
    with pytest.raises(NotAvailableError, match="report"):
        heatmap("text")


def test_without_any_model_the_error_names_the_ways_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINRLM_CACHE", str(tmp_path / "no weights here"))
    with pytest.raises(NoModelError, match="minrlm-nb model get"):
        RLM()


def test_a_cost_limit_needs_a_price() -> None:
    from minrlm_nb.core.records import Usage

    with pytest.raises(ConfigError, match="max_tokens"):
        RLM(ScriptedModel([LENGTH], usage=Usage(cost_usd=None)), max_cost_usd=1)


def test_events_come_in_order_to_the_callers_listener() -> None:
    events: list[Event] = []
    result = ask("abc", on_event=events.append)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].record == result.record


def test_it_works_inside_a_running_event_loop() -> None:
    async def main() -> RunResult:
        with RLM(ScriptedModel([LENGTH])) as rlm:
            return await rlm.acompletion("How long?", "abc")

    assert asyncio.run(main()).answer == 3


def test_cancelling_the_awaiting_task_stops_the_run() -> None:
    model = ScriptedModel([LENGTH], delay_s=30)

    async def main() -> float:
        with RLM(model) as rlm:
            run = asyncio.create_task(rlm.acompletion("How long?", "abc"))
            while not model.requests:
                await asyncio.sleep(0.05)
            began = time.monotonic()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            return time.monotonic() - began

    assert asyncio.run(main()) < 10


def test_map_asks_the_same_of_each_and_keeps_the_order() -> None:
    with RLM(ScriptedModel([LENGTH], cycle=True)) as rlm:
        assert [result.answer for result in rlm.map("How long?", ["a" * n for n in range(1, 7)])] == [1, 2, 3, 4, 5, 6]
        assert rlm.map("How long?", []) == []


def test_map_checks_every_input_before_the_first_call() -> None:
    model = ScriptedModel([LENGTH], cycle=True)
    with RLM(model) as rlm, pytest.raises(InputError):
        rlm.map("How long?", ["abc", Path("nowhere.log")])
    assert model.requests == []


def test_a_run_over_http_counts_tokens_and_never_holds_the_key(tmp_path: Path) -> None:
    key = "sk-canary-5e1f"
    with (
        ScriptedServer([LENGTH], api_key=key) as server,
        RLM("scripted", server.base_url, key) as rlm,
    ):
        result = rlm.completion("How long?", "abc")
        assert key not in repr(rlm) + repr(result) + repr(rlm.model)
        assert server.requests[-1].body_bytes < 4096
    assert result.answer == 3
    assert not result.usage.estimated
    assert result.path is not None
    assert key not in result.path.read_text()
    assert key not in json.dumps(result.trace)


def test_a_refused_key_ends_the_run_with_the_remedy() -> None:
    with ScriptedServer([LENGTH], api_key="right") as server, RLM("scripted", server.base_url, "wrong") as rlm:
        result = rlm.completion("How long?", "abc")
    assert result.stop_reason == "model_error"
    assert result.answer is None
    assert "key" in result.error


def test_an_interrupt_stops_the_run_and_keeps_its_trace(tmp_path: Path) -> None:
    script = (
        "from minrlm_nb import RLM\n"
        "from minrlm_nb.testing import ScriptedModel\n"
        "replies = ['```python\\nn = len(input_0)\\nprint(n)\\n```', '```python\\nwhile True: pass\\n```']\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    RLM(ScriptedModel(replies)).completion('How long?', 'abc')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        traces = list(tmp_path.glob("rlm_traces/*.ipynb"))
        if traces and "while True" in traces[0].read_text():
            break
        time.sleep(0.1)
    process.send_signal(2)
    output, _ = process.communicate(timeout=30)
    assert output == "interrupted\n"
    result = load_trace(traces[0])
    assert result.stop_reason == "stopped"
    assert result.steps[0].code.startswith("n = len")


def test_nothing_is_left_behind() -> None:
    ask("abc")
    before = threading.active_count()
    for _ in range(3):
        ask("abc")
    assert threading.active_count() <= before + 1  # the pool may be refilling
