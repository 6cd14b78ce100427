"""Cells that misbehave: each ends with a plain message, and the next cell answers on a kernel that has everything."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest

from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.records import CellResult, Output
from minrlm_nb.repl.outputs import OutputCaps

from .driving import Driven, NewRepl, until

SWALLOWS = """
import time
while True:
    try:
        while True: time.sleep(0.01)
    except BaseException:
        pass
"""


def lost(result: CellResult) -> str:
    """The notice of a lost kernel."""
    assert result.variables_lost, result
    (notice,) = [notice for notice in result.notices if "variables are lost" in notice]
    return notice


def test_a_cell_over_its_time_is_interrupted_and_keeps_its_variables(repl: Driven) -> None:
    result = repl.run("half = 'done'\nimport time\ntime.sleep(60)", timeout_s=0.5)
    assert result.status == "timeout"
    assert result.error is not None
    assert result.error.name == "CellTimeout"
    assert "0.5 s" in result.error.value
    assert not result.variables_lost
    assert repl.shows("half") == "'done'"
    repl.assert_usable()


@pytest.mark.parametrize("round_", range(5))
def test_interrupts_never_hit_the_next_cell(repl: Driven, round_: int) -> None:
    assert repl.run("import time\nwhile True: time.sleep(0.001)", timeout_s=0.1).status == "timeout"
    for number in range(5):
        assert repl.shows(f"{number}") == f"{number}"


def test_a_swallowed_interrupt_is_killed_and_inputs_come_back(new_repl: NewRepl) -> None:
    repl = new_repl()
    repl.run("mine = 1")
    result = repl.run(SWALLOWS, timeout_s=0.3)
    assert result.status == "timeout"
    assert "did not yield" in lost(result)
    assert repl.shows("'mine' in globals()") == "False"
    repl.assert_usable()


def test_ignored_signals_do_not_save_a_cell(new_repl: NewRepl) -> None:
    repl = new_repl()
    result = repl.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass", timeout_s=0.3)
    assert result.status == "timeout"
    assert result.variables_lost
    repl.assert_usable()


def test_a_hang_in_c_is_killed(new_repl: NewRepl) -> None:
    repl = new_repl()
    result = repl.run("import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')", timeout_s=0.3)
    assert result.status == "timeout"
    repl.assert_usable()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import os; os._exit(3)", "exited with code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "SIGSTOP"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
    ],
)
def test_a_dead_kernel_is_reported_with_its_cause_and_replaced(new_repl: NewRepl, code: str, cause: str) -> None:
    repl = new_repl()
    result = repl.run(f"print('shown', flush=True)\nimport time; time.sleep(0.5)\n{code}")
    assert result.status == "died"
    assert result.error is not None
    assert result.error.name == "KernelDied"
    assert cause in result.error.value
    assert cause in lost(result)
    assert [output.text for output in result.outputs] == ["shown\n"]
    repl.assert_usable()


def test_a_kernel_that_dies_between_two_cells_is_replaced_and_the_next_result_says_so(new_repl: NewRepl) -> None:
    repl = new_repl()
    repl.run("mine = 1\nimport os, threading\nthreading.Timer(0.2, lambda: os._exit(7)).start()")
    time.sleep(0.6)
    result = repl.run("'mine' in globals()")
    assert (result.status, result.outputs[0].text) == ("ok", "False")
    assert "between two cells" in lost(result)
    assert "code 7" in lost(result)
    repl.assert_usable()
    assert not repl.run("1").variables_lost


def test_a_kernel_that_died_before_it_is_seeded_anew_is_replaced_and_the_next_result_says_so(new_repl: NewRepl) -> None:
    repl = new_repl()
    repl.run("import os, threading\nthreading.Timer(0.1, lambda: os._exit(7)).start()")
    time.sleep(0.4)
    repl.start("another", "text")
    result = repl.run("print(task_0, input_0)")
    assert result.outputs[0].text == "another text\n"
    assert "code 7" in lost(result)


@pytest.mark.parametrize(
    "code", ["exit()", "quit()", "import sys; sys.exit(3)", "raise SystemExit", "raise KeyboardInterrupt"]
)
def test_leaving_ends_the_cell_and_not_the_kernel(repl: Driven, code: str) -> None:
    repl.run("mine = 'kept'")
    result = repl.run(code)
    assert result.status in ("ok", "error")
    assert not result.variables_lost
    assert repl.shows("mine") == "'kept'"
    repl.assert_usable()


def test_a_question_to_a_person_is_an_error(repl: Driven) -> None:
    result = repl.run("input('your name? ')")
    assert result.status == "error"
    repl.assert_usable()


# -- stop ------------------------------------------------------------------------------------------------------


def test_stop_ends_a_cell_that_yields_at_once(repl: Driven) -> None:
    cancel = Cancel()
    threading.Timer(0.3, cancel.stop).start()
    result = repl.run("import time\ntime.sleep(60)", cancel=cancel)
    assert result.status == "interrupted"
    assert result.error is not None
    assert result.error.name == "CellInterrupted"
    repl.assert_usable()


def test_stop_ends_a_cell_that_waits_for_a_sub_call(repl: Driven) -> None:
    cancel = Cancel()
    threading.Timer(0.3, cancel.stop).start()
    result = repl.run("sub_llm('sleep 60')", cancel=cancel)
    assert result.status == "interrupted"
    assert repl.model.abandoned.wait(5)
    repl.assert_usable()


def test_stop_kills_a_cell_that_does_not_yield(new_repl: NewRepl) -> None:
    repl = new_repl()
    cancel = Cancel()
    threading.Timer(0.3, cancel.stop).start()
    result = repl.run(SWALLOWS, cancel=cancel)
    assert result.status == "interrupted"
    assert result.variables_lost
    repl.assert_usable()


def test_stop_before_a_cell_keeps_it_from_running(repl: Driven) -> None:
    cancel = Cancel()
    cancel.stop()
    result = repl.run("ran = True", cancel=cancel)
    assert result.status == "interrupted"
    assert repl.shows("'ran' in globals()") == "False"


@pytest.mark.parametrize("delay_ms", [0, 1, 2, 3, 5])
def test_stop_at_any_moment_leaves_a_usable_kernel(repl: Driven, delay_ms: int) -> None:
    cancel = Cancel()
    threading.Timer(delay_ms / 1000, cancel.stop).start()
    assert repl.run("import time\ntime.sleep(60)", cancel=cancel).status == "interrupted"
    repl.assert_usable()


def test_a_sub_call_is_abandoned_when_its_cell_is_stopped(repl: Driven) -> None:
    cancel = Cancel()
    threading.Timer(0.5, cancel.stop).start()
    result = repl.run("sub_llm('sleep 60')", cancel=cancel)
    assert result.status == "interrupted"
    assert repl.model.abandoned.wait(5)
    repl.assert_usable()


def test_waiting_for_sub_calls_is_not_counted_and_the_clock_goes_on_afterwards(repl: Driven) -> None:
    assert repl.run("sub_llm('sleep 0.6')", timeout_s=0.3).status == "ok"
    assert repl.run("sub_llm('sleep 0.6')\nwhile True: pass", timeout_s=0.3).status == "timeout"
    repl.assert_usable()


# -- floods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "print('x' * 200_000_000)",
        "for n in range(300_000): print(n)",
        "for n in range(2_000):\n    display(n)",
        "'y' * 50_000_000",
        "import os\nfor _ in range(2_000): os.write(1, b'z' * 10_000)",
        "import os\nfor _ in range(2_000): os.write(2, b'z' * 10_000)",
        "raise ValueError('v' * 50_000_000)",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(\"w\" * 20_000_000)'])",
    ],
)
def test_much_output_is_cut_and_the_driver_stays_small(new_repl: NewRepl, code: str) -> None:
    repl = new_repl()
    before = psutil.Process().memory_info().rss
    result = repl.run(code)
    assert result.status in ("ok", "error"), result.error
    assert sum(len(output.text) for output in result.outputs) < 2_000_000
    assert len(result.outputs) <= 1_001
    assert psutil.Process().memory_info().rss - before < 200 * 2**20
    repl.assert_usable()


FORGE = """
from IPython import get_ipython
kernel = get_ipython().kernel
def forge(kind, content, parent=None, socket=None):
    kernel.session.send(socket or kernel.iopub_socket, kind, content, parent=parent or kernel.get_parent())
"""


def test_a_flood_past_the_kernels_own_caps_ends_the_kernel(new_repl: NewRepl) -> None:
    repl = new_repl(caps=OutputCaps(flood_bytes=10 * 2**20))
    result = repl.run(FORGE + "while True: forge('stream', {'name': 'stdout', 'text': 'x' * 100_000})")
    assert result.status == "died"
    assert "flooded" in lost(result)
    assert sum(len(output.text) for output in result.outputs) <= 1_000_000
    repl.assert_usable()


@pytest.mark.parametrize(
    "code",
    [
        FORGE + "forge('stream', {'name': 'stdout', 'text': 'x' * 50_000_000})",
        FORGE + "kernel.iopub_socket.close()",
    ],
)
def test_an_output_channel_that_a_cell_broke_costs_the_kernel(new_repl: NewRepl, code: str) -> None:
    repl = new_repl()
    result = repl.run(code)
    assert result.status == "ok"
    assert lost(result)
    repl.assert_usable()


def test_a_cell_with_a_lone_surrogate_is_an_error_at_its_line(repl: Driven) -> None:
    result = repl.run("x = 1\n'\ud800'")
    assert result.status == "error"
    assert result.error is not None
    assert (result.error.name, result.error.line) == ("SyntaxError", 2)
    repl.assert_usable()


def test_forged_messages_neither_end_the_cell_nor_break_the_driver(repl: Driven) -> None:
    code = (
        FORGE
        + """
forge('stream', {'name': 'stdout', 'text': 5})
forge('stream', {'name': ['x'], 'text': None})
forge('stream', {})
forge('display_data', {'data': 'no dict'})
forge('display_data', {'data': {'text/plain': {'a': 1}, 'image/png': 7}})
forge('display_data', {'data': {'image/png': 'bm8gcG5n', 'text/html': '<script>'}})
forge('execute_result', {'data': None})
forge('error', {'ename': 1, 'evalue': [], 'traceback': 'x'})
forge('status', {'execution_state': {'not': 'text'}})
forge('execute_reply', {'status': 'ok'})
forge('no_such_type', {'deep': 1})
forge('stream', {'name': 'stdout', 'text': 'of another cell'}, parent={'header': {'msg_id': 'another'}, 'msg_id': 'x'})
for parts in ([], [b''], [b'<IDS|MSG>'], [b'<IDS|MSG>', b'', b'{', b'[]', b'{}', b'{}'], [b'\\xff' * 100]):
    kernel.iopub_socket.send_multipart(parts or [b'x'])
deep = b'[' * 100_000
signature = kernel.session.sign([deep, b'{}', b'{}', b'{}'])
kernel.iopub_socket.send_multipart([b'<IDS|MSG>', signature, deep, b'{}', b'{}', b'{}'])
import time
time.sleep(0.3)
print('the end')
"""
    )
    result = repl.run(code)
    assert result.status == "ok", result
    text = "".join(output.text for output in result.outputs if output.kind == "stdout")
    assert text == "the end\n"
    assert not any("image/png" in output.data or "<script>" in output.text for output in result.outputs)
    repl.assert_usable()


# -- the call channel --------------------------------------------------------------------------------------------

SOCKET = """
import gc, socket, struct, time
sockets = [thing for thing in gc.get_objects() if type(thing) is socket.socket and thing.fileno() >= 0]
(calls,) = [each for each in sockets if "calls" in str(each.getpeername())]
"""


@pytest.mark.parametrize(
    "frame",
    [
        "struct.pack('!I', 2**32 - 1) + b'x'",
        "struct.pack('!I', 3) + b'{]}'",
        "struct.pack('!I', 2) + b'[]'",
        "struct.pack('!I', 2) + b'{}'",
        "struct.pack('!I', 100_000) + b'[' * 100_000",
    ],
)
def test_a_broken_call_channel_costs_the_kernel_and_nothing_else(new_repl: NewRepl, frame: str) -> None:
    repl = new_repl()
    result = repl.run(SOCKET + f"calls.sendall({frame}); time.sleep(0.5)")
    assert result.variables_lost
    repl.assert_usable()


def test_a_bad_request_is_answered_and_harms_nothing(repl: Driven) -> None:
    code = (
        SOCKET
        + """
import json
for number, request in enumerate([{'op': 'no'}, {'op': 'sub_llm', 'task': 5}, {'op': 'final'}, {'op': ['x']}]):
    body = json.dumps({'id': 10**9 + number, **request}).encode()
    calls.sendall(struct.pack('!I', len(body)) + body)
time.sleep(0.2)
print(sub_llm('fine'))
"""
    )
    assert repl.shows(code) == "FINE\n"
    assert [request["task"] for request in repl.model.requests] == ["fine"]
    repl.assert_usable()


def test_a_hundred_thousand_sub_calls_do_not_swamp_the_driver(repl: Driven) -> None:
    assert repl.shows("print(len(sub_llm_batch(['x'] * 20_000)))") == "20000\n"
    repl.assert_usable()


# -- listeners ---------------------------------------------------------------------------------------------------


def test_a_listener_that_fails_ends_the_cell_and_the_next_one_answers(new_repl: NewRepl) -> None:
    repl = new_repl()

    def fail(output: Output) -> None:
        raise RuntimeError("a listener's bug")

    with pytest.raises(RuntimeError, match="bug"):
        repl.run("print('x')\nimport time\ntime.sleep(60)", on_output=fail)
    repl.assert_usable()


def test_late_prints_of_threads_do_not_show_in_the_next_cell(repl: Driven) -> None:
    repl.run("import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('LATE'))).start()")
    result = repl.run("time.sleep(0.6)\nprint('mine')")
    assert [output.text for output in result.outputs] == ["mine\n"]


def test_what_a_cell_started_dies_with_its_kernel(new_repl: NewRepl) -> None:
    repl = new_repl()
    pid = int(repl.shows("import subprocess; child = subprocess.Popen(['sleep', '600']); print(child.pid)"))
    repl.session.close()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_the_kernel_never_sees_a_key(new_repl: NewRepl, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "MINRLM_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "canary-5f2c")
    repl = new_repl()
    assert "canary-5f2c" not in repl.shows("import os; print(dict(os.environ))")
    assert "canary-5f2c" not in repl.shows(f"print(open('/proc/{os.getpid()}/cmdline').read())")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
