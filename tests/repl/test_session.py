"""A session on a real kernel, when all goes well."""

from __future__ import annotations

import threading

import pytest

from minrlm_nb.core.ports import Cancel, Repl
from minrlm_nb.core.records import Output
from minrlm_nb.errors import ConfigError, KernelError, NotAvailableError
from minrlm_nb.repl.inputs import as_inputs
from minrlm_nb.repl.session import ReplSession
from minrlm_nb.wire import CallReply, CallRequest

from .driving import Driven, EchoModel, NewRepl


def test_it_is_the_port_that_the_engine_knows() -> None:
    repl: Repl = ReplSession()
    assert repl.isolation == "none"
    repl.close()


def test_every_level_says_what_it_is_and_none_is_silently_less() -> None:
    assert "unboxed" in ReplSession("auto").banner
    assert "unboxed" in ReplSession("none").banner
    with pytest.raises(NotAvailableError, match="bwrap"):
        ReplSession("bwrap")
    with pytest.raises(ConfigError, match="tight"):
        ReplSession("tight")


def test_a_cell_shows_streams_result_and_variables(repl: Driven) -> None:
    result = repl.run("import sys\nanswer_so_far = 41\nprint('out')\nprint('err', file=sys.stderr)\nanswer_so_far + 1")
    assert result.status == "ok"
    assert [(output.kind, output.text) for output in result.outputs] == [
        ("stdout", "out\n"),
        ("stderr", "err\n"),
        ("result", "42"),
    ]
    assert [(v.name, v.type) for v in result.variables if v.name == "answer_so_far"] == [("answer_so_far", "int")]
    assert result.duration_s > 0


def test_an_error_names_its_line_and_keeps_what_came_before(repl: Driven) -> None:
    result = repl.run("before = 1\nprint('shown')\n1 / 0\nafter = 2")
    assert result.status == "error"
    assert result.error is not None
    assert (result.error.name, result.error.value, result.error.line) == ("ZeroDivisionError", "division by zero", 3)
    assert "\x1b" not in result.error.traceback
    assert [output.kind for output in result.outputs] == ["stdout", "error"]
    assert repl.shows("before, 'after' in globals()") == "(1, False)"


def test_outputs_are_told_as_they_come(repl: Driven) -> None:
    told: list[Output] = []
    gate = threading.Event()

    def on_output(output: Output) -> None:
        told.append(output)
        gate.set()

    def on_call(request: CallRequest, cancel: Cancel) -> CallReply:
        assert gate.wait(10), "the output must be told while the cell still runs"
        return {"id": request["id"], "ok": True, "value": "seen"}

    repl.start(on_call=on_call)
    result = repl.run("print('early'); sub_llm('wait'); print('late')", on_output=on_output)
    assert result.status == "ok"
    assert [output.text for output in told] == ["early\n", "late\n"]
    assert [output.text for output in result.outputs] == ["early\nlate\n"]


def test_an_image_is_relayed_and_html_is_not(repl: Driven) -> None:
    code = """
from IPython.display import display
png = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0004"
    "0101805ab7e6f30000000049454e44ae426082"
)
class Figure:
    def _repr_png_(self): return png
    def _repr_html_(self): return "<script>alert(1)</script>"
    def __repr__(self): return "<Figure>"
display(Figure())
"""
    (output,) = repl.run(code).outputs
    assert output.kind == "display"
    assert set(output.data) == {"text/plain", "image/png"}
    assert output.text == "<Figure>"


@pytest.mark.parametrize(
    "text",
    ["", "plain", "a\r\nb\rc\n", "\ud800 lone \udfff", "nul \0 and \x1b[31m", "İstanbul ß 日本語 😀", "\ufeffmark"],
)
def test_an_input_arrives_exactly(repl: Driven, text: str) -> None:
    repl.start("task \ud800 with a surrogate", {"wrapped": "so that an empty text is an input too"})
    repl.session.start("t", (as_inputs(["x", text])[1],), EchoModel())
    assert repl.shows(f"input_1 == {text!r}") == "True"


def test_a_big_input_arrives_exactly(repl: Driven) -> None:
    text = "0123456789 é\n" * 400_000
    repl.start("t", text)
    code = "import hashlib; print(len(input_0), hashlib.sha256(input_0.encode()).hexdigest())"
    import hashlib

    assert repl.shows(code) == f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()}\n"


def test_starting_again_replaces_task_and_inputs_and_keeps_variables(repl: Driven) -> None:
    repl.run("kept = 'yes'")
    repl.start("second", ["one", "two"])
    assert repl.shows("print(task_0, input_0, input_1, kept)") == "second one two yes\n"
    repl.start("third", "three")
    assert repl.shows("print(task_0, input_0, 'input_1' in globals())") == "third three False\n"


def test_a_run_without_inputs_works(repl: Driven) -> None:
    repl.start("just compute", None)
    assert repl.shows("print(task_0, 'input_0' in globals(), 2**10)") == "just compute False 1024\n"


def test_two_hundred_cells_keep_their_order(repl: Driven) -> None:
    repl.run("total = 0")
    for number in range(200):
        assert repl.shows(f"total += {number}; print(total)") == f"{sum(range(number + 1))}\n"


def test_sub_calls_come_back_from_threads_and_batches(repl: Driven) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(20) as pool:
    threaded = list(pool.map(lambda n: sub_llm(f"t{n}"), range(100)))
batched = sub_llm_batch([f"b{n}" for n in range(100)])
again = sub_llm_batch(["x", "y"])
print(threaded == [f"T{n}" for n in range(100)], batched == [f"B{n}" for n in range(100)], again)
"""
    assert repl.shows(code) == "True True ['X', 'Y']\n"
    assert repl.run("1").reads.sub_calls == 202


def test_a_late_sub_call_is_refused(repl: Driven) -> None:
    code = """
import threading, time
late = []
def call():
    time.sleep(0.2)
    try:
        late.append(sub_llm("late"))
    except Exception as error:
        late.append(str(error))
thread = threading.Thread(target=call)
thread.start()
"""
    assert repl.run(code).status == "ok"
    import time

    time.sleep(0.5)
    assert "cell" in repl.shows("print(late)")
    assert repl.model.requests == []


def test_ten_megabytes_of_answer_come_whole(repl: Driven) -> None:
    answers: list[str] = []

    def on_call(request: CallRequest, cancel: Cancel) -> CallReply:
        answers.append(request["answer"]["value"])
        return {"id": request["id"], "ok": True, "value": ""}

    repl.start(on_call=on_call)
    assert repl.run("FINAL('é' * 10_000_000)").status == "ok"
    assert answers == ["é" * 10_000_000]


def test_reads_are_counted_over_the_run(repl: Driven) -> None:
    repl.run("search(input_0, 'input'); peek(input_0)")
    result = repl.run("search(input_0, 'nothing like it')")
    assert (result.reads.searches, result.reads.empty_searches, result.reads.peeks) == (2, 1, 1)


def test_two_sessions_side_by_side_do_not_mix(new_repl: NewRepl) -> None:
    results: dict[str, list[str]] = {}

    def work(name: str) -> None:
        repl = new_repl(name, f"input of {name}")
        results[name] = [repl.shows(f"print(task_0, input_0, sub_llm('{name}{n}'))") for n in range(20)]
        repl.session.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("one", "two"):
        assert results[name] == [f"{name} input of {name} {name.upper()}{n}\n" for n in range(20)]


def test_a_closed_session_says_so_and_closes_again(new_repl: NewRepl) -> None:
    repl = new_repl()
    repl.session.close()
    repl.session.close()
    with pytest.raises(KernelError, match="start"):
        repl.run("1")


def test_calls_over_stdin_work_where_no_socket_is_shared(new_repl: NewRepl) -> None:
    repl = new_repl(call_transport="stdin")
    repl.assert_usable()
    assert repl.shows("print(sub_llm_batch(['a', 'b', 'c']))") == "['A', 'B', 'C']\n"
    threads = "from concurrent.futures import ThreadPoolExecutor as Pool; print(*Pool(5).map(sub_llm, 'abcdefghij'))"
    assert repl.shows(threads) == "A B C D E F G H I J\n"
    error = repl.run("input('a question?')").error
    assert error is not None
    repl.run("FINAL('é' * 3_000_000)")
    assert repl.model.requests[-1]["answer"]["value"] == "é" * 3_000_000
    cancel = Cancel()
    threading.Timer(0.5, cancel.stop).start()
    stopped = repl.run("sub_llm('sleep 60')", cancel=cancel)
    assert stopped.status == "interrupted"
    repl.assert_usable()
