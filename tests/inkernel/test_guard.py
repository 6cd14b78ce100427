"""Which cells are refused for the names they bind."""

from __future__ import annotations

import ast
import sys

import pytest

from minrlm_nb.inkernel.guard import ProtectedNameError, check_names

REFUSED = [
    "input_0 = 1",
    "input_12 = 1",
    "task_0 = ''",
    "FINAL = print",
    "FINAL_var = 1",
    "a = input_0 = 1",
    "a, (b, *input_0) = 1, (2, 3)",
    "[input_0, b] = 1, 2",
    "input_0 += 'x'",
    "input_0: str = ''",
    "del input_0",
    "del a, (b, task_0)",
    "for input_0 in 'ab': pass",
    "with open('x') as input_0: pass",
    "with open('x') as (a, input_0): pass",
    "try: pass\nexcept ValueError as input_0: pass",
    "import os as input_0",
    "import input_0",
    "import input_0.sub",
    "from os import path as FINAL",
    "def FINAL(x): pass",
    "async def FINAL(x): pass",
    "class input_0: pass",
    "(input_0 := 3)",
    "print(task_0 := 3)",
    "[input_0 := x for x in 'ab']",
    "if x:\n    while y:\n        input_0 = 1",
    "def f():\n    global input_0\n    input_0 = 1",
    "def f():\n    def g():\n        global FINAL\n        def FINAL(): pass",
    "class A:\n    global input_0\n    input_0 = 1",
    "def f(a=(input_0 := 1)): pass",
    "@(input_0 := print)\ndef f(): pass",
    "class A((input_0 := object)): pass",
    "lambda a=(input_0 := 1): a",
    "match x:\n    case input_0: pass",
    "match x:\n    case [1, *input_0]: pass",
    "match x:\n    case {'a': 1, **input_0}: pass",
    "match x:\n    case str() as input_0: pass",
    "async def f():\n    global input_0\n    async for input_0 in x: pass",
]

if sys.version_info >= (3, 12):
    REFUSED.append("type input_0 = int")

ALLOWED = [
    "x = input_0",
    "input_0x = input_ = my_input_0 = task_1 = 1",
    "def f(input_0, *task_0, FINAL=1, **FINAL_var): pass",
    "def f():\n    input_0 = 1\n    del input_0\n    for task_0 in '': pass",
    "def f():\n    global other\n    input_0 = other = 1",
    "def f():\n    global input_0\n    return input_0",
    "lambda input_0: input_0",
    "[input_0 for input_0 in 'ab']",
    "{task_0: 1 for task_0 in 'ab'}",
    "class A:\n    input_0 = 1",
    "def f():\n    def g():\n        global input_0\n    input_0 = 1",
    "input_0.x = 1",
    "data[input_0] = data.input_0 = 1",
    "f(input_0=1)",
    "FINAL(1)",
    "def f():\n    [input_0 := 1 for _ in '']",
    "import os.input_0",
]


@pytest.mark.parametrize("code", REFUSED)
def test_binding_a_protected_name_is_refused(code: str) -> None:
    with pytest.raises(ProtectedNameError):
        check_names(ast.parse(code))


@pytest.mark.parametrize("code", ALLOWED)
def test_other_uses_of_the_names_are_fine(code: str) -> None:
    check_names(ast.parse(code))


def test_the_first_line_is_named_with_a_way_out() -> None:
    with pytest.raises(ProtectedNameError) as refused:
        check_names(ast.parse("x = 1\n\ninput_0 = x\ntask_0 = x"))
    assert refused.value.line == 3
    assert str(refused.value) == (
        "line 3 would change input_0, which is read-only; use another name, as in text = input_0"
        " (nothing of the cell ran)"
    )
