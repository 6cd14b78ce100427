"""SIGINT stops a cell wherever it is, and the next one answers."""

from __future__ import annotations

import pytest

from .live import LiveKernel


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\nwhile True: pass",
        "x = 1\nimport time\ntime.sleep(20)",
        "x = 1\nsub_llm('never')",
        "x = 1\nsub_llm_batch(['a', 'never', 'never'])",
        "x = 1\nimport asyncio\nawait asyncio.sleep(20)",
        "x = 1\nimport asyncio\nawait asyncio.sleep(0)\nwhile True: pass",
        "x = 1\nimport asyncio\nawait asyncio.sleep(0)\nsub_llm('never')",
        "x = 1\nimport asyncio\nasync def spin():\n    while True: pass\nawait asyncio.gather(spin())",
        "x = 1\nimport asyncio\nawait asyncio.gather(asyncio.sleep(20), asyncio.sleep(20))",
        "x = 1\nlen(search('ab' * 50_000_000, 'a'))",
        "x = 1\nwhile True: print('flood')",
    ],
)
def test_an_interrupt_stops_a_cell(kernel: LiveKernel, code: str) -> None:
    ran = kernel.run(code, interrupt_s=0.4)
    assert ran.status == "error"
    assert ran.reply["ename"] == "KeyboardInterrupt"
    assert ran.report["error_line"] is not None
    assert kernel.run("x, sub_llm('a')").echo == "(1, 'sub_llm: A')"


def test_interrupts_amid_prints_keep_messages_whole(kernel: LiveKernel) -> None:
    code = "import time\nwhile True:\n    print('x')\n    time.sleep(0.0005)"
    for number in range(30):
        assert kernel.run(code, interrupt_s=0.02 + number * 0.0007).status == "error"
    assert kernel.run("print('whole')").stdout == "whole\n"


def test_an_interrupt_while_a_long_frame_is_sent_leaves_the_channel_whole(kernel: LiveKernel) -> None:
    kernel.run("while True: sub_llm_batch(['never'] * 4, 'x' * 5_000_000)", interrupt_s=0.3)
    assert kernel.run("sub_llm('a', 'y' * 5_000_000)").echo == "'sub_llm: A'"


def test_a_reply_that_comes_too_late_is_dropped(kernel: LiveKernel) -> None:
    kernel.run("sub_llm('never')", interrupt_s=0.2)
    driver = kernel.driver
    assert driver is not None
    late = driver.requests[-1]["id"]
    driver.send({"id": late, "ok": True, "value": "late"})
    driver.send({"id": 10**9, "ok": True, "value": "nobody asked"})
    driver.send({"id": "odd", "ok": True})
    assert kernel.run("sub_llm('now')").echo == "'sub_llm: NOW'"


def test_a_cell_may_swallow_one_interrupt_and_go_on(kernel: LiveKernel) -> None:
    code = "import time\ntry:\n    time.sleep(20)\nexcept BaseException:\n    print('swallowed')"
    ran = kernel.run(code, interrupt_s=0.3)
    assert (ran.status, ran.stdout) == ("ok", "swallowed\n")


def test_an_interrupt_between_cells_is_harmless(kernel: LiveKernel) -> None:
    import signal
    import time

    for _ in range(5):
        kernel.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert kernel.run("6 * 7").echo == "42"
