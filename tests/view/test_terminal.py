import io
import os
import pty
import re
from collections.abc import Iterator
from typing import TextIO

import pytest

from minrlm_nb.core.events import CellFinished, CellOutput, CellStarted, Event, Notice
from minrlm_nb.core.records import CellError, CellResult, Output
from minrlm_nb.view.terminal import StepPrinter
from tests.records import events_of, finished_run, hostile_run


def _printed(events: list[Event], colour: bool = False) -> str:
    stream = io.StringIO()
    printer = StepPrinter(stream, colour)
    for event in events:
        printer(event)
    return stream.getvalue()


def _stream(text: str) -> CellOutput:
    return CellOutput(1, Output("stdout", {"text/plain": text}))


def test_each_step_shows_reasoning_code_output_and_time() -> None:
    text = _printed(events_of(finished_run()))
    assert text.startswith(
        "How many ERROR lines are in the log?\ngpt-5-mini · isolation none · server.log (21,050 characters)\n"
    )
    assert "── step 2 of 8 ──" in text
    assert (
        "There is no pandas. I count the lines with the standard library.\n│ from collections import Counter\n" in text
    )
    assert "Counter({'INFO': 240, 'ERROR': 84, 'WARN': 76})\n" in text
    assert "ok 0.84 s · 3 sub-calls\n" in text
    assert "error 12 ms\n" in text
    assert text.endswith("\nanswered · 3 steps · 3 sub-calls · 5,700 read, 159 written · $0.0025 · 4.90 s\n")


def test_nothing_hostile_drives_the_terminal() -> None:
    text = _printed(events_of(hostile_run()))
    assert "alert" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)


def test_the_only_escape_codes_are_our_colours() -> None:
    codes = re.findall(r"\x1b[^m]*m?", _printed(events_of(hostile_run()), colour=True))
    assert codes
    assert set(codes) <= {f"\x1b[{code}m" for code in (0, 1, 2, 31, 32, 33)}


def test_pieces_of_a_stream_join_and_the_rest_starts_on_a_new_line() -> None:
    events: list[Event] = [_stream("10 %"), _stream(" 20 %"), CellFinished(1, CellResult("ok", duration_s=1.0))]
    assert _printed(events) == "10 % 20 %\nok 1.00 s\n"


def test_endless_output_is_cut_for_each_cell() -> None:
    flood: list[Event] = [_stream("x" * 9_000 + "\n")] * 100
    text = _printed([*flood, CellStarted(2, "next()"), _stream("fresh\n")])
    assert len(text) < 11_000
    assert "… (the trace has the rest)\nfresh\n" in text


def test_an_exception_without_an_output_is_printed() -> None:
    result = CellResult("error", (), CellError("ValueError", "too\nsmall"), 0.5, notices=("kernel restarted",))
    assert _printed([CellFinished(1, result)]) == "! kernel restarted\nValueError: too small\nerror 0.50 s\n"


def test_a_terminal_that_can_not_write_a_character_gets_another() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    StepPrinter(stream)(Notice("naïve · 日本"))
    assert raw.getvalue() == b"! na?ve ? ??\n"
    stream.close()


def test_a_stream_whose_reader_left_ends_no_run() -> None:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w", buffering=1)
    os.close(reader)
    printer = StepPrinter(stream)
    for event in events_of(finished_run()):
        printer(event)
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_closed_stream_ends_no_run() -> None:
    stream = io.StringIO()
    printer = StepPrinter(stream)
    stream.close()
    printer(Notice("lost"))


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """The writing end of a real terminal."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream:
        yield stream
    os.close(leader)


def test_colours_are_for_terminals_that_want_them(terminal: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert StepPrinter(terminal)._colour
    monkeypatch.setenv("TERM", "dumb")
    assert not StepPrinter(terminal)._colour
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not StepPrinter(terminal)._colour
    assert not StepPrinter(io.StringIO())._colour
