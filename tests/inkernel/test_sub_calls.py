"""sub_llm, sub_llm_batch and rlm in a real kernel, over the socket and over stdin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .live import TOGETHER, LiveKernel


def tasks(kernel: LiveKernel) -> list[tuple[str, str]]:
    assert kernel.driver is not None
    return sorted((request["task"], request["context"]) for request in kernel.driver.requests)


def test_a_sub_call_returns_the_whole_reply(kernel: LiveKernel) -> None:
    ran = kernel.run("sub_llm('who?', 'a text')")
    assert ran.echo == "'sub_llm: WHO?'"
    assert tasks(kernel) == [("who?", "a text")]
    assert ran.report["reads"]["sub_calls"] == 1


def test_rlm_is_a_request_of_its_own(kernel: LiveKernel) -> None:
    assert kernel.run("rlm('who?', input_0)").echo == "'rlm: WHO?'"


def test_choices_are_sent_along(kernel: LiveKernel) -> None:
    kernel.run("sub_llm('kind?', choices=('a', 'b'))")
    assert kernel.driver is not None
    assert kernel.driver.requests[0]["choices"] == ["a", "b"]


def test_a_failed_sub_call_is_an_error_that_says_why(kernel: LiveKernel) -> None:
    ran = kernel.run("try:\n    sub_llm('fail')\nexcept RuntimeError as error:\n    print(error, '-', error.kind)")
    assert ran.stdout == "no calls are left - budget\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("sub_llm_batch(['a', 'b'])", [("a", ""), ("b", "")]),
        ("sub_llm_batch(['a', 'b'], 'text')", [("a", "text"), ("b", "text")]),
        ("sub_llm_batch(['a', 'b'], ['x', 'y'])", [("a", "x"), ("b", "y")]),
        ("sub_llm_batch('a', ['x', 'y'])", [("a", "x"), ("a", "y")]),
        ("sub_llm_batch([('a', 'x'), ['b', 'y']])", [("a", "x"), ("b", "y")]),
        ("sub_llm_batch([{'task': 'a', 'context': 'x'}, {'task': 'b'}], 'y')", [("a", "x"), ("b", "y")]),
        ("sub_llm_batch(task for task in 'ab')", [("a", ""), ("b", "")]),
        ("sub_llm_batch([('a', {'k': [1, 'é']}), ('b', None)])", [("a", '{"k": [1, "é"]}'), ("b", "")]),
        ("sub_llm_batch([])", []),
    ],
)
def test_a_batch_takes_its_items_in_many_shapes(kernel: LiveKernel, call: str, expected: list[tuple[str, str]]) -> None:
    assert kernel.run(call).echo == repr([f"sub_llm: {task.upper()}" for task, _ in expected])
    assert tasks(kernel) == expected


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("sub_llm('')", "task as text"),
        ("sub_llm(3)", "task as text"),
        ("sub_llm('a', 3)", "pass text"),
        ("sub_llm('a', b'raw')", "pass text"),
        ("sub_llm('a', [object()])", "pass it as text"),
        ("sub_llm('a', choices='yes')", "choices is a list"),
        ("sub_llm('a', choices=[])", "choices is a list"),
        ("sub_llm_batch('a')", "list of tasks"),
        ("sub_llm_batch(3)", "list of tasks"),
        ("sub_llm_batch(['a', 3])", "item 1"),
        ("sub_llm_batch([{'prompt': 'a'}])", "prompt"),
        ("sub_llm_batch(['a'], ['x', 'y'])", "one context for each task"),
    ],
)
def test_wrong_arguments_are_errors_that_say_what_to_pass(kernel: LiveKernel, call: str, reason: str) -> None:
    assert reason in kernel.run(call).error
    assert tasks(kernel) == []


def test_a_batch_keeps_order_and_sends_all_at_once(kernel: LiveKernel) -> None:
    ran = kernel.run(
        f"replies = sub_llm_batch([f'together {{n}}' for n in range({TOGETHER})])\n"
        f"replies == [f'sub_llm: TOGETHER {{n}}' for n in range({TOGETHER})]"
    )
    assert ran.echo == "True"


def test_a_failed_item_of_a_batch_is_that_items(kernel: LiveKernel) -> None:
    ran = kernel.run("replies = sub_llm_batch(['a', 'fail', 'c'])\nreplies, replies[1].error")
    assert ran.echo == ("(['sub_llm: A', '[sub_llm failed: no calls are left]', 'sub_llm: C'],\n 'no calls are left')")


@pytest.mark.parametrize(
    "code",
    [
        "sub_llm_batch(['a'])\nsub_llm_batch(['b'])[0]",
        "import asyncio\nawait asyncio.sleep(0)\nsub_llm_batch(['a'])\nsub_llm_batch(['b'])[0]",
        "async def ask():\n    return sub_llm_batch(['b'])[0]\nawait ask()",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    replies = list(pool.map(lambda n: sub_llm_batch(['b'])[0], range(40)))\nmax(replies)",
    ],
)
def test_a_batch_works_wherever_it_is_called(kernel: LiveKernel, code: str) -> None:
    assert kernel.run(code).echo == "'sub_llm: B'"


def test_a_forked_process_is_told_that_it_cannot_call(kernel: LiveKernel) -> None:
    ran = kernel.run(
        "import os\nread, write = os.pipe()\npid = os.fork()\nif not pid:\n"
        "    try: sub_llm('a')\n    except RuntimeError as error: os.write(write, str(error).encode())\n"
        "    finally: os._exit(0)\nos.waitpid(pid, 0)\nos.read(read, 1000).decode()"
    )
    assert "forked process" in ran.echo


def test_text_of_any_kind_survives_the_way(kernel: LiveKernel) -> None:
    kernel.run("sub_llm('a', input_0 + '\\U0001F600')")
    assert tasks(kernel)[0][1] == "first line\r\nsecond line with an ERROR\nthird \ud800 and a NUL \0\n\U0001f600"


# -- without a socket -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def socketless() -> Iterator[LiveKernel]:
    kernel = LiveKernel(calls=False)
    yield kernel
    kernel.shut_down()


def test_without_a_driver_there_is_no_model(socketless: LiveKernel) -> None:
    ran = socketless.run("sub_llm('a')", stdin=True)
    assert "no model is attached" in ran.error
    assert socketless.run("sub_llm_batch(['a'])[0].error").echo.startswith("'no model is attached")


def test_without_a_driver_final_shows_the_answer_and_ends_the_cell(socketless: LiveKernel) -> None:
    ran = socketless.run("FINAL(3)\nprint('never')")
    assert (ran.status, ran.stdout, ran.answer) == ("ok", "", {"value": 3, "note": ""})


def test_over_stdin_calls_work_from_cells_threads_and_loops(socketless: LiveKernel) -> None:
    assert socketless.seed("text") == {"status": "ok"}
    assert socketless.run("sub_llm('a')", stdin=True).echo == "'sub_llm: A'"
    assert socketless.run("sub_llm_batch(['a', 'fail', 'c'])[2]", stdin=True).echo == "'sub_llm: C'"
    assert socketless.run("import asyncio\nawait asyncio.sleep(0)\nsub_llm('a')", stdin=True).echo == "'sub_llm: A'"
    threads = (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n"
        "    replies = list(pool.map(sub_llm, [str(n) for n in range(12)]))\n"
        "replies == [f'sub_llm: {n}' for n in range(12)]"
    )
    assert socketless.run(threads, stdin=True).echo == "True"
    ran = socketless.run("FINAL(3)\nprint('never')", stdin=True)
    assert (ran.status, ran.stdout, ran.answer) == ("ok", "", {"value": 3, "note": ""})
    assert "no model is attached" in socketless.run("sub_llm('a')").error
