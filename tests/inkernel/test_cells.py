"""Cells in a real kernel: what they show, what they may not do, and that the next one always answers."""

from __future__ import annotations

import pytest

from .conftest import TEXT
from .live import LiveKernel


def works(kernel: LiveKernel) -> bool:
    return kernel.run("6 * 7").echo == "42"


def test_the_last_expression_is_echoed(kernel: LiveKernel) -> None:
    ran = kernel.run("x = 40\nx + 2")
    assert (ran.status, ran.echo) == ("ok", "42")


def test_the_last_value_is_kept_as_underscore(kernel: LiveKernel) -> None:
    kernel.run("'kept'")
    assert kernel.run("_ + '!'").echo == "'kept!'"


def test_printing_goes_to_its_streams(kernel: LiveKernel) -> None:
    ran = kernel.run("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (ran.stdout, ran.stderr) == ("out\n", "err\n")


def test_common_modules_are_there_without_an_import(kernel: LiveKernel) -> None:
    ran = kernel.run(
        "[re, csv, io, json, math, datetime, collections, itertools, statistics] and Counter('aab'), defaultdict(int)"
    )
    assert ran.echo == "(Counter({'a': 2, 'b': 1}), defaultdict(int, {}))"


# -- protected names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["x = 1\ninput_0 = x", "x = 1\ndel task_0", "x = 1\ndef FINAL(a): pass"])
def test_binding_a_protected_name_is_refused_before_anything_runs(kernel: LiveKernel, code: str) -> None:
    ran = kernel.run(code)
    assert ran.status == "error"
    assert ran.reply["ename"] == "ProtectedNameError"
    assert "line 2" in ran.error
    assert ran.report["error_line"] == 2
    assert "x" not in ran.variables
    assert len(ran.errors) == 1
    assert kernel.run("input_0").echo == repr(TEXT)


def test_a_function_may_use_the_name_of_an_input_for_itself(kernel: LiveKernel) -> None:
    assert kernel.run("def f(input_0):\n    task_0 = input_0\n    return task_0\nf(7)").echo == "7"


def test_inputs_changed_behind_the_parsers_back_are_put_back(kernel: LiveKernel) -> None:
    ran = kernel.run("globals()['input_0'] = 1\nexec('task_0 = 2')\ninput_0, task_0")
    assert ran.echo == "(1, 2)"
    assert sorted(notice.split()[0] for notice in ran.notices) == ["input_0", "task_0"]
    assert kernel.run("input_0").echo == repr(TEXT)
    assert kernel.run("task_0").echo == "'the task'"


def test_a_helper_may_be_replaced_for_one_cell(kernel: LiveKernel) -> None:
    ran = kernel.run("search = lambda *a: 'mine'\nsearch()")
    assert ran.echo == "'mine'"
    assert ran.notices == ["search is a helper of the REPL and was put back; use another name"]
    assert "search" not in ran.variables
    assert kernel.run("len(search(input_0, 'error'))").echo == "1"


@pytest.mark.parametrize("code", ["del search, peek", "globals().clear()", "%reset -f"])
def test_deleted_helpers_come_back(kernel: LiveKernel, code: str) -> None:
    kernel.run(code)
    assert kernel.run("len(search(input_0, 'error')), len(input_1)").echo == "(1, 13)"


# -- ending a cell ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("exit", ""),
        ("quit()", ""),
        ("import sys\nsys.exit('no luck')", "'no luck'"),
        ("raise SystemExit(3)", "3"),
        ("async def leave():\n    raise SystemExit(4)\nawait leave()", "4"),
    ],
)
def test_leaving_ends_the_cell_and_not_the_kernel(kernel: LiveKernel, code: str, given: str) -> None:
    ran = kernel.run(f"before = 1\n{code}\nafter = 1" if "\n" in code or "(" in code else code)
    assert (ran.status, ran.stderr, ran.errors) == ("ok", "", [])
    assert ran.notices == [f"the cell ended early at exit({given}); the REPL goes on"]
    assert ran.reply["payload"] == []
    assert "after" not in ran.variables
    assert works(kernel)


def test_leaving_inside_a_task_of_the_cell_does_not_end_the_kernel(kernel: LiveKernel) -> None:
    code = "import asyncio\nasync def leave():\n    raise SystemExit(5)\nawait asyncio.gather(leave())"
    assert kernel.run(code).status == "ok"
    assert works(kernel)


def test_payloads_that_would_act_on_a_notebook_are_not_sent(kernel: LiveKernel) -> None:
    ran = kernel.run("get_ipython().set_next_input('rm -rf /')\nget_ipython().ask_exit")
    assert ran.reply["payload"] == []


def test_help_is_printed(kernel: LiveKernel) -> None:
    ran = kernel.run("search?")
    assert "every hit as (match, before, after)" in ran.stdout
    assert ran.reply["payload"] == []


# -- errors -----------------------------------------------------------------------------------------------------


def test_variables_survive_an_error_in_mid_cell(kernel: LiveKernel) -> None:
    ran = kernel.run("early = 1\n1 / 0\nlate = 2")
    assert ran.status == "error"
    assert list(ran.variables) == ["early"]
    assert kernel.run("early, 'late' in globals()").echo == "(1, False)"


def test_an_error_names_its_line_and_shows_the_cells_frames_only(kernel: LiveKernel) -> None:
    ran = kernel.run("\n\ndef half(text):\n    return json.loads(text)\n\nhalf('{')")
    (error,) = ran.errors
    text = "\n".join(error["traceback"])
    assert ran.report["error_line"] == 4
    assert error["ename"] == ran.reply["ename"] == "JSONDecodeError"
    assert "line 6" in text
    assert "half('{')" in text
    assert "line 4, in half" in text
    assert sum("in json" in line for line in text.splitlines()) == 1
    assert "\x1b" not in text
    assert "site-packages" not in text
    assert ran.reply["traceback"] == error["traceback"]


def test_an_error_in_a_function_of_an_earlier_cell_shows_that_cells_line(kernel: LiveKernel) -> None:
    kernel.run("def fails():\n    # remark\n    raise ValueError('early')")
    ran = kernel.run("x = 1\nfails()")
    text = "\n".join(ran.errors[0]["traceback"])
    assert "raise ValueError('early')" in text
    assert ran.report["error_line"] == 2


def test_deep_recursion_is_shown_short(kernel: LiveKernel) -> None:
    ran = kernel.run("def down(n):\n    return down(n + 1)\ndown(0)")
    text = "\n".join(ran.errors[0]["traceback"])
    assert "more frames" in text
    assert len(text) < 2_000


@pytest.mark.parametrize(
    ("code", "line"), [("x = (", 1), ("a = 1\nb b", 2), ("a\n  b", 2), ("\n\nreturn 1", 3), ("\n  \t\n  b b", 3)]
)
def test_a_syntax_error_names_its_line(kernel: LiveKernel, code: str, line: int) -> None:
    ran = kernel.run(code)
    assert ran.status == "error"
    assert ran.report["error_line"] == line
    assert len(ran.errors) == 1
    assert works(kernel)


@pytest.mark.parametrize(
    "code",
    [
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "class E(Exception):\n    def __str__(self): return 3\nraise E",
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
        "class E(Exception):\n    __cause__ = __context__ = property(lambda self: 1 / 0)\nraise E",
        "class M(type(Exception)):\n    __name__ = property(lambda self: 1 / 0)\n"
        "class E(Exception, metaclass=M): pass\nraise E",
        "class E(Exception):\n    __class__ = property(lambda self: 1 / 0)\nraise E",
        "class E(SyntaxError):\n    filename = lineno = msg = property(lambda self: 1 / 0)\nraise E",
        "raise ValueError('x' * 10**8)",
        "raise BaseException",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "raise ValueError('\\ud800')",
    ],
)
def test_odd_exceptions_are_reported_briefly(kernel: LiveKernel, code: str) -> None:
    ran = kernel.run(code)
    assert ran.status == "error"
    assert len(str(ran.reply)) < 20_000
    assert works(kernel)


def test_a_magic_that_fails_shows_its_message(kernel: LiveKernel) -> None:
    ran = kernel.run("%no_such_magic")
    assert "UsageError" in ran.error or "UsageError" in ran.stderr
    assert works(kernel)


# -- what a cell may break --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import builtins\nbuiltins.len = builtins.isinstance = builtins.str = None",
        "import builtins\ndel builtins.print, builtins.getattr, builtins.Exception",
        "__builtins__.__dict__.clear() if hasattr(__builtins__, '__dict__') else __builtins__.clear()",
        "import sys\nsys.stdout = sys.stderr = None",
        "import sys\nsys.stdout.close()\nsys.stderr.close()",
        "import sys\nsys.displayhook = None",
        "import sys\nsys.excepthook = None\nraise ValueError",
        "import sys\nsys.setrecursionlimit(120)",
        "import threading\nthreading.excepthook = None",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
        "import os\nos.chdir('/')",
        "import gc\ngc.disable()",
        "get_ipython().user_ns.clear()",
        "import linecache\nlinecache.clearcache()\n1 / 0",
    ],
)
def test_whatever_a_cell_breaks_the_next_one_works(kernel: LiveKernel, code: str) -> None:
    kernel.run(code)
    assert works(kernel)
    assert kernel.run("print('still there')").stdout == "still there\n"
    assert kernel.run("import sys\nsys.setrecursionlimit(3000)\nlen(search(input_0, 'error'))").echo == "1"


@pytest.mark.parametrize("stdout", ["None", "open('/dev/full', 'w')", "object()", "io.StringIO()"])
def test_a_cell_without_its_stdout_ends_as_any_other(kernel: LiveKernel, stdout: str) -> None:
    ran = kernel.run(f"import sys\nsys.stdout = sys.stderr = {stdout}\n1 / 0")
    assert ran.error == "ZeroDivisionError: division by zero"
    ran = kernel.run(f"import sys\nsys.stdout = sys.stderr = {stdout}\nFINAL(1)")
    assert (ran.status, ran.answer) == ("ok", {"value": 1, "note": ""})
    assert kernel.run("print('back')").stdout == "back\n"


def test_what_is_written_past_python_survives_broken_builtins(kernel: LiveKernel) -> None:
    code = "import builtins, os, time\nbuiltins.len = builtins.isinstance = None\nos.write(1, b'x' * 200_000)"
    kernel.run(code)
    assert kernel.run("import os\nos.write(1, b'after')\nNone").stdout == "after"


def test_a_callback_that_leaves_does_not_cost_the_reply(kernel: LiveKernel) -> None:
    code = "def leave(*_):\n    get_ipython().events.unregister('post_run_cell', leave)\n    raise SystemExit\n"
    assert kernel.run(code + "get_ipython().events.register('post_run_cell', leave)\nNone").reply
    assert works(kernel)


def test_replaced_builtins_are_told(kernel: LiveKernel) -> None:
    ran = kernel.run("import builtins\nbuiltins.len = lambda x: 0")
    assert ran.notices == ["the builtin len was replaced and put back"]


def test_nobody_is_asked_for_input(kernel: LiveKernel) -> None:
    assert "input_0" in kernel.run("input('your name? ')").error
    assert "input_0" in kernel.run("import getpass\ngetpass.getpass()", stdin=True).error


# -- variables --------------------------------------------------------------------------------------------------


def test_a_namespace_with_odd_keys_is_survived(kernel: LiveKernel) -> None:
    code = "class Key(str):\n    def startswith(self, *a): raise SystemExit\n    __hash__ = str.__hash__\n"
    ran = kernel.run(code + "globals()[Key('odd')] = globals()[3] = 1")
    assert ran.status == "ok"
    assert works(kernel)


def test_new_and_changed_variables_are_reported(kernel: LiveKernel) -> None:
    kernel.run("kept = [1]\ngrown = [1]\nname = 'a'")
    ran = kernel.run("grown.append(2)\nname = 'b'\nfresh = {'k': 1}\ndef helper(): pass\nimport os\n_private = 1")
    assert ran.variables == {
        "grown": {"name": "grown", "type": "list", "size": 2, "preview": "[1, 2]"},
        "name": {"name": "name", "type": "str", "size": 1, "preview": "'b'"},
        "fresh": {"name": "fresh", "type": "dict", "size": 1, "preview": ""},
        "helper": {"name": "helper", "type": "function", "size": -1, "preview": ""},
    }


def test_reporting_runs_no_code_of_a_variable(kernel: LiveKernel) -> None:
    ran = kernel.run(
        "class Trap:\n"
        "    def __getattribute__(self, name): raise SystemExit\n"
        "    def __len__(self): raise SystemExit\n"
        "    def __repr__(self): raise SystemExit\n"
        "    def __eq__(self, other): raise SystemExit\n"
        "class Meta(type):\n"
        "    def __getattribute__(self, name): raise SystemExit\n"
        "class Strange(metaclass=Meta): pass\n"
        "trap = Trap()"
    )
    assert ran.status == "ok"
    assert ran.variables["trap"] == {"name": "trap", "type": "Trap", "size": -1, "preview": ""}
    assert ran.variables["Strange"]["type"] == "class"


def test_reads_are_counted(kernel: LiveKernel) -> None:
    ran = kernel.run("search(input_0, 'error'); search(input_0, 'nothing of it'); peek(input_0); None")
    assert ran.report["reads"] == {"searches": 2, "empty_searches": 1, "peeks": 1, "sub_calls": 0}
