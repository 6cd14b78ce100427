"""Caps on what cells show, in a real kernel."""

from __future__ import annotations

import pytest

from minrlm_nb.inkernel.output import CELL_DISPLAYS, CELL_TEXT_CHARS

from .live import LiveKernel


def test_a_flood_of_prints_is_cut_with_one_line_that_says_so(kernel: LiveKernel) -> None:
    ran = kernel.run("import sys\nfor n in range(100_000): print('0123456789')\nprint('end', file=sys.stderr)")
    assert ran.stdout.startswith("0123456789\n0123456789\n")
    assert ran.stdout.endswith(f"\n[output cut: {1_100_004 - CELL_TEXT_CHARS:,} more characters]\n")
    assert len(ran.stdout) < CELL_TEXT_CHARS + 100
    assert ran.stderr == ""
    assert kernel.run("print('fresh')").stdout == "fresh\n"


def test_one_huge_print_is_cut(kernel: LiveKernel) -> None:
    ran = kernel.run("print('x' * 300_000_000)")
    assert len(ran.stdout) < CELL_TEXT_CHARS + 100
    assert ran.status == "ok"


def test_a_flood_past_python_is_cut_too(kernel: LiveKernel) -> None:
    ran = kernel.run("import os\nfor n in range(2_000): os.write(1, b'y' * 10_000)\nNone")
    assert ran.stdout.startswith("yyyy")
    assert "[output cut: 19,936,000 more characters]" in ran.stdout
    assert len(ran.stdout) < CELL_TEXT_CHARS + 100
    assert kernel.run("6 * 7").echo == "42"


def test_what_is_written_past_python_belongs_to_its_cell(kernel: LiveKernel) -> None:
    for number in range(20):
        ran = kernel.run(f"import os\nos.write(1, 'no. {number} é€😀'.encode())\nos.write(2, b'err')\nNone")
        assert (ran.stdout, ran.stderr) == (f"no. {number} é€😀", "err")


def test_a_subprocess_prints_into_the_cell(kernel: LiveKernel) -> None:
    assert kernel.run("import subprocess\nsubprocess.run(['echo', 'hi'])\nNone").stdout == "hi\n"


def test_threads_left_over_from_a_cell_do_not_print_into_the_next(kernel: LiveKernel) -> None:
    code = (
        "import threading, time\ngo = threading.Event()\n"
        "def late():\n    go.wait()\n    print('late')\n    done.set()\n"
        "done = threading.Event()\nthreading.Thread(target=late, daemon=True).start()"
    )
    kernel.run(code)
    ran = kernel.run("go.set()\ndone.wait()\nprint('mine')")
    assert ran.stdout == "mine\n"
    assert ran.notices == ["a thread of an earlier cell printed 5 characters; they were dropped"]


def test_threads_of_the_cell_print_into_it(kernel: LiveKernel) -> None:
    code = "import threading\nt = threading.Thread(target=print, args=('in a thread',))\nt.start()\nt.join()"
    assert kernel.run(code).stdout == "in a thread\n"


def test_lone_surrogates_are_shown_as_escapes(kernel: LiveKernel) -> None:
    ran = kernel.run("print('a\\ud800b')\npeek('c\\udfffd')")
    assert ran.stdout == "a\\ud800b\n"
    assert "c\\udfffd" in ran.echo


# -- values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("'x' * 200_000_000", "[200,000,000 characters]"),
        ("['x' * 200_000_000]", "[200,000,000 characters]"),
        ("b'x' * 200_000_000", "[200,000,000 bytes]"),
        ("{'k': 'x' * 10**7}", "[10,000,000 characters]"),
        ("10 ** 1_000_000", "digits>"),
        ("[['word'] * 10_000] * 10_000", "[cut]"),
        ("list(range(10_000_000))", "..."),
    ],
)
def test_a_huge_value_is_echoed_briefly(kernel: LiveKernel, code: str, told: str) -> None:
    ran = kernel.run(code)
    assert told in ran.echo
    assert len(ran.echo) < 70_000
    assert kernel.run("6 * 7").echo == "42"


def test_a_value_whose_repr_fails_is_echoed_by_its_type(kernel: LiveKernel) -> None:
    ran = kernel.run("class Odd:\n    def __repr__(self): raise ZeroDivisionError\nOdd()")
    assert (ran.status, ran.echo) == ("ok", "<Odd whose repr raised ZeroDivisionError>")


def test_a_value_whose_html_fails_is_echoed_as_text(kernel: LiveKernel) -> None:
    ran = kernel.run("class Odd:\n    def __repr__(self): return 'odd'\n    def _repr_html_(self): return 1 / 0\nOdd()")
    assert (ran.status, ran.echo, ran.errors) == ("ok", "odd", [])
    assert "ZeroDivisionError" in ran.stderr


def test_a_figure_is_shown_and_a_huge_one_is_left_out(kernel: LiveKernel) -> None:
    code = "from IPython.display import Image, display\ndisplay(Image(b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * {size}))"
    assert "image/png" in kernel.run(code.format(size=100)).displays[0]
    (shown,) = kernel.run(code.format(size=10_000_000)).displays
    assert "image/png" not in shown
    assert "left out" in shown["text/plain"]


def test_a_flood_of_displays_is_cut(kernel: LiveKernel) -> None:
    ran = kernel.run("for n in range(1_000): display(n)")
    assert len(ran.displays) == CELL_DISPLAYS
    assert ran.notices == [f"{1_000 - CELL_DISPLAYS:,} displays were left out; the cell showed too much"]


def test_hits_and_descriptions_echo_as_they_are(kernel: LiveKernel) -> None:
    assert kernel.run("search(input_0, 'error')").echo == (
        "1 hit of 'error':\n[0] first line⏎second line with an «ERROR»⏎third \\ud800 and a NUL \0⏎"
    )
    assert kernel.run("peek(input_1)").echo == "str of 13 characters, 1 line\nanother input"
