"""FINAL in a real kernel: the answer reaches the driver, and the cell ends there."""

from __future__ import annotations

import pytest

from .live import LiveKernel


def final_requests(kernel: LiveKernel) -> list[dict[str, object]]:
    assert kernel.driver is not None
    return [request for request in kernel.driver.requests if request["op"] == "final"]


def test_an_answer_ends_the_cell_quietly(kernel: LiveKernel) -> None:
    ran = kernel.run("search(input_0, 'error')\nFINAL([1, 'two', None])\nprint('never')")
    assert (ran.status, ran.stdout, ran.stderr, ran.errors, ran.notices) == ("ok", "", "", [], [])
    assert ran.answer == {"value": [1, "two", None], "note": ""}
    (request,) = final_requests(kernel)
    assert request["answer"] == {"value": [1, "two", None], "note": ""}
    assert request["reads"] == {"searches": 1, "empty_searches": 0, "peeks": 0, "sub_calls": 0}


def test_final_var_gives_a_variables_value(kernel: LiveKernel) -> None:
    kernel.run("report = {'lines': 3}")
    kernel.run("FINAL_var('report')")
    kernel.run("FINAL_var(report)")
    assert [request["answer"] for request in final_requests(kernel)] == [{"value": {"lines": 3}, "note": ""}] * 2


def test_final_var_of_no_variable_is_an_error(kernel: LiveKernel) -> None:
    ran = kernel.run("FINAL_var('reprot')")
    assert "there is no variable 'reprot'" in ran.error
    assert not final_requests(kernel)


def test_a_rejected_answer_is_an_ordinary_error(kernel: LiveKernel) -> None:
    ran = kernel.run("try:\n    FINAL(None)\nexcept ValueError as error:\n    print(type(error).__name__, error)")
    assert (ran.status, ran.stdout, ran.answer) == ("ok", "AnswerRejected None is no answer\n", None)
    assert kernel.run("FINAL(None)").error == "AnswerRejected: None is no answer"


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    FINAL(1)\nexcept Exception:\n    print('caught')",
        "def give():\n    FINAL(1)\n    print('on')\ngive()",
        "async def give():\n    FINAL(1)\nawait give()\nprint('on')",
        "import asyncio\nasync def give():\n    FINAL(1)\nawait asyncio.gather(give(), asyncio.sleep(0))\nprint('on')",
        "%%time\nFINAL(1)\nprint('on')",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool:\n    pool.submit(FINAL, 1).result()\nprint('on')",
    ],
)
def test_final_ends_the_cell_wherever_it_is_called(kernel: LiveKernel, code: str) -> None:
    ran = kernel.run(code)
    assert (ran.status, ran.errors) == ("ok", [])
    assert "caught" not in ran.stdout
    assert "on\n" not in ran.stdout
    assert "AnswerGiven" not in ran.stderr
    assert ran.answer == {"value": 1, "note": ""}
    assert len(final_requests(kernel)) == 1


def test_a_cell_that_catches_everything_has_answered_anyway(kernel: LiveKernel) -> None:
    ran = kernel.run("try:\n    FINAL(1)\nexcept:\n    print('went on')")
    assert ran.stdout == "went on\n"
    assert len(final_requests(kernel)) == 1


def test_final_in_a_thread_ends_that_thread_without_a_traceback(kernel: LiveKernel) -> None:
    ran = kernel.run(
        "import threading\nt = threading.Thread(target=FINAL, args=(5,))\nt.start()\nt.join()\nprint('on')"
    )
    assert (ran.stdout, ran.stderr) == ("on\n", "")
    assert len(final_requests(kernel)) == 1


def test_an_answer_of_ten_megabytes_travels_whole_and_is_shown_short(kernel: LiveKernel) -> None:
    ran = kernel.run("FINAL('añ' * 5_000_000)")
    (request,) = final_requests(kernel)
    assert request["answer"] == {"value": "añ" * 5_000_000, "note": ""}
    assert len(str(ran.displays)) < 10_000
    assert "10,000,000" in ran.displays[0]["text/plain"]


def test_an_answer_beyond_a_frame_is_refused_with_the_limit(kernel: LiveKernel) -> None:
    ran = kernel.run("FINAL('x' * 70_000_000)")
    assert "AnswerRejected" in ran.error
    assert "67,108,864" in ran.error
    assert kernel.run("1").echo == "1"


def test_answers_that_no_message_can_hold_are_displayed_anyway(kernel: LiveKernel) -> None:
    ran = kernel.run("FINAL(['\\ud800', float('nan')])")
    assert ran.status == "ok"
    assert "\\ud800" in ran.displays[0]["text/plain"]
    assert str(final_requests(kernel)[0]["answer"]) == str({"value": ["\ud800", float("nan")], "note": ""})


def test_what_is_no_answer_is_an_error_the_model_can_act_on(kernel: LiveKernel) -> None:
    assert "list(...)" in kernel.run("FINAL(x for x in input_0)").error
    assert "10,000 digits" in kernel.run("FINAL(10 ** 9_999)").error
    assert "function" in kernel.run("FINAL(search)").error
    assert not final_requests(kernel)


def test_an_object_gives_its_text_and_a_note(kernel: LiveKernel) -> None:
    kernel.run("FINAL(datetime.date(2024, 1, 31))")
    assert final_requests(kernel)[0]["answer"] == {
        "value": "2024-01-31",
        "note": "JSON can't hold a date; its text was taken",
    }
