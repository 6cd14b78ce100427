"""Seeding: texts arrive exactly, and other variables stay."""

from __future__ import annotations

import hashlib

import pytest

from minrlm_nb.wire import SEED_REQUEST

from .live import LiveKernel

TEXTS = [
    "",
    "plain",
    "a\r\nb\rc\n",
    "\ufeffmark",
    "\0 \x1a \x85 \u2028",
    "\ud800 \udfff \udc80",
    "ünï 漢字 😀",
    "end without newline",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_arrives_exactly(kernel: LiveKernel, text: str) -> None:
    kernel.seed(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    code = "import hashlib\nhashlib.sha256(input_0.encode('utf-8', 'surrogatepass')).hexdigest()"
    assert kernel.run(code).echo == repr(digest)


def test_seeding_again_replaces_inputs_and_counts_and_keeps_variables(kernel: LiveKernel) -> None:
    kernel.seed("one", "two", "three", task="first")
    kernel.run("mine = input_2\npeek(input_0)")
    kernel.seed("uno", task="second")
    ran = kernel.run("input_0, task_0, mine, [name for name in sorted(globals()) if name.startswith('input_')]")
    assert ran.echo == "('uno', 'second', 'three', ['input_0'])"
    assert ran.report["reads"]["peeks"] == 0


def test_a_kernel_without_inputs_has_its_task(kernel: LiveKernel) -> None:
    kernel.seed(task="count to three")
    assert kernel.run("task_0, 'input_0' in globals()").echo == "('count to three', False)"


@pytest.mark.parametrize("inputs", [[{"name": "input_0", "path": "/nowhere"}], [{"name": "search", "path": "/"}], [{}]])
def test_a_seed_that_fails_says_why_and_changes_nothing(kernel: LiveKernel, inputs: list[dict[str, str]]) -> None:
    reply = kernel.request(SEED_REQUEST, {"task": "t", "inputs": inputs})
    assert reply["status"] == "error"
    assert reply["error"]
    assert kernel.run("input_1").echo == "'another input'"


def test_a_hundred_megabytes_arrive(kernel: LiveKernel) -> None:
    line = "2024-01-31 12:00:00 node 7 ERROR Zeitüberschreitung\n"
    assert kernel.seed(line * (100_000_000 // len(line))) == {"status": "ok"}
    assert kernel.run(f"len(input_0) // {len(line)}, len(search(input_0, 'ZEITÜBERSCHREITUNG', limit=3))").echo == (
        f"({100_000_000 // len(line)}, 3)"
    )
