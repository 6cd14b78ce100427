"""Errors as text."""

from __future__ import annotations

import linecache
from typing import Any

from minrlm_nb.inkernel.tracebacks import Failure, cell_name, describe_failure


def failure_of(code: str, number: int = 7) -> Failure:
    name = cell_name(number)
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {}
    try:
        exec(compile(code, name, "exec"), namespace)
    except BaseException as error:
        return describe_failure(error, name)
    raise AssertionError("nothing was raised")


def test_only_the_cells_frames_and_the_libraries_last_are_shown() -> None:
    failure = failure_of("import json\n\ndef read(text):\n    return json.loads(text)\nread('{')")
    assert failure.name == "JSONDecodeError"
    assert failure.line == 4
    head, *frames, library, last = failure.lines
    assert head == "Traceback (most recent call last):"
    assert frames == ["  line 5\n    read('{')", "  line 4, in read\n    return json.loads(text)"]
    assert library.startswith("  in json/decoder.py, line ")
    assert last.startswith("JSONDecodeError: ")


def test_a_cause_is_told_in_one_line() -> None:
    failure = failure_of("try:\n    {}['k']\nexcept KeyError as error:\n    raise ValueError('bad') from error")
    assert failure.lines[-2:] == ("ValueError: bad", "(after KeyError: 'k')")
    hidden = failure_of("try:\n    {}['k']\nexcept KeyError:\n    raise ValueError('bad') from None")
    assert hidden.lines[-1] == "ValueError: bad"


def test_a_group_tells_its_first_members() -> None:
    class GroupError(Exception):
        exceptions = (ValueError("one"), KeyError("two"))

    try:
        raise GroupError("many")
    except GroupError as error:
        failure = describe_failure(error, cell_name(1))
    assert failure.lines[-2:] == ("  holds ValueError: one", "  holds KeyError: 'two'")


def test_a_syntax_error_points_at_its_place() -> None:
    failure = failure_of("if x:\n    y = = 1")
    assert failure.line == 2
    assert failure.lines == ("  line 2", "    y = = 1", "        ^", "SyntaxError: invalid syntax")


def test_a_syntax_error_in_code_that_a_cell_compiles_is_at_the_cells_line() -> None:
    failure = failure_of("x = 1\neval('1 +')")
    assert (failure.name, failure.line) == ("SyntaxError", 2)


def test_a_long_message_is_cut_and_its_length_told() -> None:
    failure = failure_of("raise ValueError('x' * 1_000_000)")
    assert failure.message.endswith("… [1,000,000 characters]")
    assert len(failure.message) < 5_000


def test_a_message_that_fails_is_replaced() -> None:
    failure = failure_of("class E(Exception):\n    def __str__(self): raise OSError\nraise E")
    assert failure.message == "(its message can't be had: OSError)"


def test_an_error_without_a_message_is_its_name() -> None:
    assert failure_of("raise KeyboardInterrupt").lines[-1] == "KeyboardInterrupt"
