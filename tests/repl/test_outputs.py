"""Foreign output becomes plain, capped records."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.core.records import Output
from minrlm_nb.repl.channels import Message
from minrlm_nb.repl.outputs import OutputCaps, Outputs, read_error
from minrlm_nb.repl.text import plain

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def iopub(kind: str, content: dict[str, Any], size: int = 100) -> Message:
    return Message("iopub", size, kind, "request", content)


def collect(*messages: Message, caps: OutputCaps | None = None) -> Outputs:
    outputs = Outputs(caps or OutputCaps())
    for message in messages:
        outputs.take(message, belongs=True)
    return outputs


def stream(text: str, name: str = "stdout") -> Message:
    return iopub("stream", {"name": name, "text": text})


def display(data: dict[str, Any], kind: str = "display_data") -> Message:
    return iopub(kind, {"data": data, "metadata": {}})


# -- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]never closed\nnext line", "\nnext line"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b(Btext\x1b", "text"),
        ("\x9b1mtext", "text"),
        ("bell\x07 nul\x00 back\x08 del\x7f", "bell nul back del"),
        ("tab\tstays\n", "tab\tstays\n"),
        ("  0%\r 50%\r100%\ndone", "100%\ndone"),
        ("bar\r   \r", "bar"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("\ud800lone", "\ufffdlone"),
        ("İß日本😀", "İß日本😀"),
    ],
)
def test_escape_codes_and_controls_go(foreign: str, shown: str) -> None:
    assert plain(foreign) == shown


@given(st.text())
def test_plain_text_is_clean_and_stays_as_it_is(text: str) -> None:
    clean = plain(text)
    clean.encode("utf-8")
    assert not any(character < " " and character not in "\n\t" for character in clean)
    assert plain(clean) == clean


@pytest.mark.parametrize("evil", ["\x1b]", "\x1b[", "\x1b", "\r", "a\r", "\x1bP", "\x9d", "\x1b ", "\x1b[0;"])
def test_hostile_text_takes_no_longer_than_its_length(evil: str) -> None:
    began = time.monotonic()
    plain(evil * 300_000)
    assert time.monotonic() - began < 20  # quadratic would take hours


def test_consecutive_writes_to_one_stream_are_one_output() -> None:
    outputs = collect(stream("a"), stream("b\n"), stream("e", "stderr"), stream("c"))
    assert [(o.kind, o.text) for o in outputs.collected] == [("stdout", "ab\n"), ("stderr", "e"), ("stdout", "c")]


def test_an_escape_code_split_over_two_writes_goes() -> None:
    (output,) = collect(stream("x\x1b[3"), stream("1mred")).collected
    assert output.text == "xred"


def test_a_progress_bar_in_pieces_shows_its_end_and_is_told_line_by_line() -> None:
    told: list[Output] = []
    outputs = Outputs(OutputCaps(), told.append)
    for text in ("\r 10%", "\r 50%", "\r100%\n"):
        outputs.take(stream(text, "stderr"), belongs=True)
    assert [output.text for output in told] == ["\n 10%", "\n 50%", "\n100%\n"]
    assert outputs.collected[0].text == "100%\n"


def test_images_are_checked_and_everything_active_is_dropped() -> None:
    image = base64.encodebytes(PNG).decode()
    (output,) = collect(
        display({"text/plain": "<Figure>", "image/png": image, "text/html": "<script>", "image/svg+xml": "<svg>"})
    ).collected
    assert dict(output.data) == {"text/plain": "<Figure>", "image/png": base64.b64encode(PNG).decode()}
    (alone,) = collect(display({"image/jpeg": base64.b64encode(b"\xff\xd8\xff").decode()})).collected
    assert alone.text == "<image>"


@pytest.mark.parametrize("value", ["no base64!", base64.b64encode(b"GIF8").decode(), 5, None, ["x", 1], "A" * 100_000])
def test_what_is_no_image_is_dropped_and_said(value: object) -> None:
    outputs = collect(display({"text/plain": "t", "image/png": value}), caps=OutputCaps(image_bytes=1000))
    assert dict(outputs.collected[0].data) == {"text/plain": "t"}
    assert outputs.notices


@pytest.mark.parametrize("kind", ["update_display_data", "clear_output", "comm_open", "comm_msg", "debug_event", ""])
def test_other_messages_show_nothing(kind: str) -> None:
    assert collect(iopub(kind, {"data": {"text/plain": "x"}, "text": "x", "name": "stdout"})).collected == ()


def test_html_alone_shows_nothing() -> None:
    assert collect(display({"text/html": "<b>x</b>"})).collected == ()


def test_text_may_come_in_lines() -> None:
    (output,) = collect(display({"text/plain": ["a\n", "b"]}, "execute_result")).collected
    assert (output.kind, output.text) == ("result", "a\nb")


# -- caps --------------------------------------------------------------------------------------------------------


def test_text_over_the_cap_is_dropped_and_said() -> None:
    outputs = collect(*[stream("x" * 60)] * 3, display({"text/plain": "y" * 60}), caps=OutputCaps(text_chars=100))
    assert "".join(output.text for output in outputs.collected) == "x" * 100
    assert outputs.notices


def test_outputs_over_the_cap_are_dropped_and_said() -> None:
    outputs = collect(*[display({"text/plain": str(n)}) for n in range(20)], caps=OutputCaps(outputs=5))
    assert [output.text for output in outputs.collected] == list("01234")
    assert "15" in outputs.notices[0]


def test_images_over_the_cap_are_dropped() -> None:
    image = display({"image/png": base64.b64encode(PNG).decode()})
    assert len(collect(image, image, image, caps=OutputCaps(images=2)).collected) == 2


def test_a_flood_is_noticed_whatever_it_consists_of() -> None:
    outputs = Outputs(OutputCaps(flood_bytes=1000, flood_messages=50))
    outputs.take(Message("iopub", 900), belongs=False)
    assert not outputs.flooded
    outputs.take(Message("iopub", 101), belongs=False)
    assert outputs.flooded
    assert collect(*[stream("x")] * 51, caps=OutputCaps(flood_messages=50)).flooded


@given(
    st.sampled_from(["stream", "display_data", "execute_result", "error", "status"]),
    st.dictionaries(st.sampled_from(["name", "text", "data", "ename", "evalue", "traceback"]), JSON),
)
def test_no_content_breaks_the_collector(kind: str, content: dict[str, Any]) -> None:
    for output in collect(iopub(kind, content)).collected:
        output.text.encode("utf-8")
    read_error(content, None)


def test_an_error_is_plain_and_capped() -> None:
    error = read_error(
        {"ename": "\x1b[31mValueError", "evalue": "v" * 100_000, "traceback": ["\x1b[0mline", 5, "t" * 100_000]}, 3
    )
    assert (error.name, error.line) == ("ValueError", 3)
    assert len(error.value) < 6_000
    assert len(error.traceback) < 21_000
    assert error.traceback.startswith("line\n")
