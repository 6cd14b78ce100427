"""Whole runs: a scripted model, a real REPL kernel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.events import Event, Notice, SubCallFinished, SubCallStarted
from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.prompts import Brief
from minrlm_nb.core.records import ModelReply, ModelRequest, RunRecord, Usage
from minrlm_nb.engine import Engine, Job, Running
from minrlm_nb.errors import ModelServerError
from minrlm_nb.repl.inputs import as_inputs
from minrlm_nb.repl.session import ReplSession
from minrlm_nb.testing import ScriptedModel

LOG = "INFO start\nERROR disk\nINFO work\nERROR net\n" * 10


def cell(*lines: str) -> str:
    return "```python\n" + "\n".join(lines) + "\n```"


class Bench:
    """Runs scripted replies on one kernel and keeps what happened."""

    def __init__(self, repl: ReplSession) -> None:
        self.repl = repl
        self.events: list[Event] = []

    def run(
        self,
        replies: Sequence[str | ModelReply | Exception],
        text: Any = LOG,
        *,
        sub: str | Callable[[ModelRequest], str] = "ok",
        delay_s: float = 0.0,
        cancel: Cancel | None = None,
        usage: Usage | None = None,
        **settings: Any,
    ) -> RunRecord:
        self.model = ScriptedModel(list(replies), sub, delay_s=delay_s, usage=usage)
        self.engine = Engine(
            self.model, self.repl, RunConfig(**settings), [self.events.append], cancel, lambda: ReplSession()
        )
        return self.engine.run(Job("How many errors?", as_inputs(text), Brief("input_0: a log")))

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def repl() -> Iterator[ReplSession]:
    session = ReplSession()
    yield session
    session.close()


@pytest.fixture
def bench(repl: ReplSession) -> Bench:
    return Bench(repl)


def test_a_run_looks_computes_and_answers(bench: Bench) -> None:
    record = bench.run([cell("n = input_0.count('ERROR')", "print(n)"), cell("FINAL(n)")])
    assert record.stop_reason == "answered"
    assert record.answer is not None
    assert record.answer.value == 20
    assert [s.number for s in record.steps] == [1, 2]
    assert "20" in bench.model.requests[1].messages[-1].content


def test_every_run_says_that_it_is_unboxed(bench: Bench) -> None:
    record = bench.run([cell("FINAL(len(input_0))")])
    assert record.isolation == "none"
    assert any("unboxed" in notice.text for notice in bench.told(Notice))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("[1, 2, 3]", [1, 2, 3]),
        ("0", 0),
        ("False", False),
        ("'None'", "None"),
        ("1.5", 1.5),
        ("{'a': [1, {'b': None}]}", {"a": [1, {"b": None}]}),
        ("(1, 2)", [1, 2]),
        ("'\\ud800 \\r\\n\\x00'", "\ud800 \r\n\x00"),
        ("2 ** 200", 2**200),
    ],
)
def test_an_answer_keeps_its_type(bench: Bench, code: str, value: Any) -> None:
    record = bench.run([cell(f"len(input_0); FINAL({code})")])
    assert record.answer is not None
    assert record.answer.value == value
    assert type(record.answer.value) is type(value)


def test_a_value_that_json_cannot_hold_becomes_its_text_with_a_note(bench: Bench) -> None:
    record = bench.run([cell("FINAL({input_0[:4]: 1, 2: 3j})")])
    assert record.answer is not None
    assert record.answer.value == "{'INFO': 1, 2: 3j}"
    assert "dict" in record.answer.note


def test_an_answer_of_10_mb_comes_back_whole(bench: Bench) -> None:
    record = bench.run([cell("FINAL(input_0[:10] * 1_000_000)")])
    assert record.answer is not None
    assert record.answer.value == LOG[:10] * 1_000_000


@pytest.mark.parametrize("empty", ["None", "''", "'  '"])
def test_nothing_is_no_answer_however_often_it_is_given(bench: Bench, empty: str) -> None:
    record = bench.run([cell("len(input_0)", f"FINAL({empty})")] * 3, max_steps=3)
    assert (record.stop_reason, record.answer) == ("max_steps", None)
    assert "FINAL got" in bench.model.requests[1].messages[-1].content


def test_an_answer_before_the_input_was_read_is_refused_once(bench: Bench) -> None:
    record = bench.run([cell("FINAL(42)"), cell("FINAL(42)")])
    assert record.answer is not None
    assert len(record.steps) == 2
    assert "nothing of the input was read" in bench.model.requests[1].messages[-1].content


def test_pure_computation_needs_no_input(bench: Bench) -> None:
    record = bench.run([cell("FINAL(6 * 7)")], "")
    assert record.answer is not None
    assert record.answer.value == 42
    assert record.inputs == ()


def test_final_ends_the_cell_and_the_first_one_counts(bench: Bench) -> None:
    record = bench.run([cell("FINAL(len(input_0))", "FINAL('unknown')", "print('never')")])
    assert record.answer is not None
    assert record.answer.value == len(LOG)
    assert record.steps[0].result is not None
    assert "never" not in "".join(o.text for o in record.steps[0].result.outputs)


def test_sub_calls_come_back_in_order_and_are_recorded(bench: Bench) -> None:
    code = cell(
        "a = sub_llm_batch([('label', str(i)) for i in range(20)])",
        "b = sub_llm_batch([('label', str(i)) for i in range(20)])",
        "FINAL([a == b, a[:3], len(input_0)])",
    )
    record = bench.run([code], sub=lambda request: request.messages[0].content[-2:].strip())
    assert record.answer is not None
    assert record.answer.value == [True, ["0", "1", "2"], len(LOG)]
    assert len(record.steps[0].sub_calls) == 40
    assert len(bench.told(SubCallStarted)) == len(bench.told(SubCallFinished)) == 40


def test_one_failed_item_is_that_items_failure(bench: Bench) -> None:
    def sub(request: ModelRequest) -> str:
        if "bad" in request.messages[0].content:
            raise ModelServerError("the endpoint failed; try again")
        return "fine"

    code = cell("r = sub_llm_batch([('t', 'good'), ('t', 'bad'), ('t', 'good')])", "FINAL([str(x) for x in r])")
    record = bench.run([code], "", sub=sub)
    assert record.answer is not None
    first, failed, last = record.answer.value
    assert (first, last) == ("fine", "fine")
    assert "the endpoint failed" in failed


def test_choices_constrain_a_sub_call(bench: Bench) -> None:
    replies = iter(["It is surely Positive.", "neither", "negative"])
    code = cell("FINAL([sub_llm('mood?', t, choices=['positive', 'negative']) for t in 'ab'])")
    record = bench.run([code], "", sub=lambda request: next(replies))
    assert record.answer is not None
    assert record.answer.value == ["positive", "negative"]


def test_the_sub_call_limit_holds_inside_a_cell_and_gives_a_last_turn(bench: Bench) -> None:
    code = cell("r = sub_llm_batch([('t', str(i)) for i in range(10)])", "print(sum(not x.startswith('[') for x in r))")
    record = bench.run([code, cell("FINAL(len(input_0))")], max_sub_calls=4)
    assert record.stop_reason == "sub_calls"
    assert record.answer is not None
    assert len(record.steps[0].sub_calls) == 4
    assert record.steps[0].result is not None
    assert record.steps[0].result.outputs[0].text == "4\n"


def test_the_last_turn_has_no_sub_calls(bench: Bench) -> None:
    code = cell("try:", "    sub_llm('t')", "except Exception as e:", "    FINAL(str(e) + input_0[:0])")
    record = bench.run([code], max_steps=1)
    assert record.answer is not None
    assert "last turn" in record.answer.value


def test_the_token_limit_holds_inside_a_cell(bench: Bench) -> None:
    code = cell("r = [sub_llm('t', str(i)) for i in range(50)]")
    record = bench.run([code, cell("FINAL(len(input_0))")], usage=Usage(90, 10), max_tokens=1000)
    assert record.stop_reason == "tokens"
    assert 900 <= record.usage.total_tokens <= 1300
    assert record.answer is not None


def test_the_time_limit_ends_a_cell_and_gives_a_last_turn(bench: Bench) -> None:
    code = cell("import time", "n = len(input_0)", "time.sleep(60)")
    record = bench.run([code, cell("FINAL(n)")], max_time_s=1.0)
    assert (record.stop_reason, record.answer and record.answer.value) == ("time", len(LOG))
    assert record.duration_s < 20


def test_a_cell_over_its_time_is_told_to_the_model_and_the_run_goes_on(bench: Bench) -> None:
    record = bench.run([cell("n = len(input_0)", "while True: pass"), cell("FINAL(n)")], cell_timeout_s=0.5)
    assert record.stop_reason == "answered"
    assert "ran longer than 0.5 s" in bench.model.requests[1].messages[-1].content


def test_waiting_for_sub_calls_is_not_the_cells_own_time(bench: Bench) -> None:
    def slow(request: ModelRequest) -> str:
        time.sleep(1.0)
        return "done"

    record = bench.run([cell("FINAL(sub_llm('t', input_0[:5]))")], sub=slow, cell_timeout_s=0.4)
    assert record.answer is not None
    assert record.answer.value == "done"


@pytest.mark.parametrize("where", ["model", "cell", "sub-call"])
def test_a_stop_ends_the_run_wherever_it_is(bench: Bench, where: str) -> None:
    cancel = Cancel()
    code = {"model": "1", "cell": "while True: pass", "sub-call": "sub_llm('t')"}[where]

    def sub(request: ModelRequest) -> str:
        cancel.wait(30)
        return "late"

    timer = threading.Timer(0.5, cancel.stop)
    timer.start()
    began = time.monotonic()
    record = bench.run([cell(code)] * 3, sub=sub, cancel=cancel, delay_s=30 if where == "model" else 0)
    timer.join()
    assert record.stop_reason == "stopped"
    assert time.monotonic() - began < 10


def test_a_model_error_keeps_what_was_computed(bench: Bench) -> None:
    record = bench.run([cell("n = len(input_0)"), ModelServerError("the endpoint failed; try again")])
    assert record.stop_reason == "model_error"
    assert "the endpoint failed" in record.error
    assert len(record.steps) == 1


def test_a_killed_kernel_is_told_and_the_next_cell_has_the_input_back(bench: Bench) -> None:
    record = bench.run([cell("import os", "x = 1", "os._exit(3)"), cell("FINAL([len(input_0), 'x' in globals()])")])
    assert record.answer is not None
    assert record.answer.value == [len(LOG), False]
    assert record.steps[0].result is not None
    assert record.steps[0].result.variables_lost
    assert "lost" in bench.model.requests[1].messages[-1].content


def test_a_further_task_goes_on_with_variables_and_messages(bench: Bench) -> None:
    bench.run([cell("kept = len(input_0)", "FINAL(kept)")])
    history = bench.engine.messages
    bench.model = ScriptedModel([cell("FINAL(kept + 1)")])
    engine = Engine(bench.model, bench.repl, RunConfig())
    record = engine.run(Job("And one more?", as_inputs(LOG), Brief("input_0: a log"), history))
    assert record.answer is not None
    assert record.answer.value == len(LOG) + 1
    assert bench.model.requests[0].messages[: len(history)] == history


def test_a_child_run_has_a_kernel_of_its_own(bench: Bench) -> None:
    replies = [
        cell("x = 1", "FINAL(rlm('How long?', input_0[:7]))"),
        cell("FINAL([len(input_0), 'x' in globals()])"),
    ]
    record = bench.run(replies, depth=2)
    assert record.answer is not None
    assert record.answer.value == "[7, False]"
    assert record.steps[0].sub_calls[0].op == "rlm"
    assert record.steps[0].sub_calls[0].usage.total_tokens > 0


def test_at_depth_one_rlm_is_a_plain_sub_call(bench: Bench) -> None:
    record = bench.run([cell("FINAL(rlm('How long?', input_0[:7]))")], sub="seven")
    assert record.answer is not None
    assert record.answer.value == "seven"


def test_a_listener_that_fails_ends_the_run_with_its_error(repl: ReplSession) -> None:
    def listener(event: Event) -> None:
        if isinstance(event, SubCallStarted | Notice):
            raise ZeroDivisionError("mine")

    engine = Engine(ScriptedModel([cell("FINAL(1)")]), repl, RunConfig(), [listener])
    with pytest.raises(ZeroDivisionError, match="mine"):
        engine.run(Job("?"))


def test_waiting_ticks_and_hands_over_the_result() -> None:
    ticks: list[int] = []
    cancel = Cancel()
    running = Running(lambda: (cancel.wait(0.2), "done"), cancel).start()
    assert running.wait(lambda: ticks.append(1), 0.02) == (False, "done")
    assert ticks


def test_an_interrupt_while_waiting_stops_the_work() -> None:
    cancel = Cancel()

    def tick() -> None:
        raise KeyboardInterrupt

    running = Running(lambda: cancel.wait(30), cancel).start()
    with pytest.raises(KeyboardInterrupt):
        running.wait(tick, 0.02)
    assert running.result() is True
