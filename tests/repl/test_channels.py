"""Messages from the kernel are read without trusting them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import DELIM

from minrlm_nb.core.records import Reads
from minrlm_nb.repl.channels import Message, make_session, pack
from minrlm_nb.repl.channels import parse as parse_parts
from minrlm_nb.repl.process import Watch
from minrlm_nb.repl.report import add_reads, read_report

SESSION = make_session()


def parse(parts: list[bytes]) -> Message:
    return parse_parts("iopub", parts, SESSION)


def signed(header: Any, parent: Any = None, metadata: Any = None, content: Any = None) -> list[bytes]:
    parts = [part if isinstance(part, bytes) else pack(part or {}) for part in (header, parent, metadata, content)]
    return [b"topic", DELIM, SESSION.sign(parts), *parts]


def test_a_good_message_is_read() -> None:
    parts = signed({"msg_type": "stream"}, {"msg_id": "p"}, {"m": 1}, {"text": "\ud800"})
    message = parse(parts)
    assert (message.type, message.parent) == ("stream", "p")
    assert (message.metadata, message.content) == ({"m": 1}, {"text": "\ud800"})
    assert message.size == sum(map(len, parts))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b""],
        [DELIM],
        [DELIM, b"", b"{}"],
        [DELIM, b"bad signature", b"{}", b"{}", b"{}", b"{}"],
        signed([]),
        signed({"msg_type": 5}),
        signed({}),
        signed({"msg_type": "x"}, [1]),
        signed({"msg_type": "x"}, {"msg_id": 5}),
        signed({"msg_type": "x"}, None, None, b"{"),
        signed({"msg_type": "x"}, None, None, b"\xff"),
        signed({"msg_type": "x"}, None, None, b"[" * 200_000),
        signed({"msg_type": "x"}, None, None, b"1" * 10_000),
    ],
)
def test_nonsense_is_counted_and_dropped(parts: list[bytes]) -> None:
    assert parse(parts) == Message("iopub", sum(map(len, parts)))


@given(st.lists(st.binary(max_size=30) | st.just(DELIM), max_size=8))
def test_no_parts_break_the_reader(parts: list[bytes]) -> None:
    parse(parts)


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_no_signed_content_breaks_the_reader(header: bytes, content: bytes) -> None:
    parse(signed(header, None, None, content))
    parse(signed({"msg_type": "x"}, None, None, content))


def test_a_lone_surrogate_survives_packing() -> None:
    assert json.loads(pack({"code": "'\ud800'"})) == {"code": "'\ud800'"}


# -- the report on a cell ------------------------------------------------------------------------------------------

GOOD = {
    "variables": [{"name": "x", "type": "list", "size": 3, "preview": "[1, 2, 3]"}],
    "notices": ["restored FINAL"],
    "reads": {"searches": 1, "empty_searches": 2, "peeks": 3, "sub_calls": 4},
    "error_line": 2,
}


def test_a_good_report_is_read() -> None:
    report = read_report({"minrlm": GOOD})
    assert [(v.name, v.type, v.size, v.preview) for v in report.variables] == [("x", "list", 3, "[1, 2, 3]")]
    assert (report.notices, report.error_line) == (("restored FINAL",), 2)
    assert report.reads == Reads(1, 2, 3, 4)
    assert add_reads(Reads(1, 2, 3, 4), Reads(1, 1, 1, 1)) == Reads(2, 3, 4, 5)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none()
            | st.integers()
            | st.text()
            | st.lists(st.none() | st.text() | st.dictionaries(st.text(), st.text()))
            for name in GOOD
        },
    )
)
def test_no_report_breaks_the_reader(raw: dict[str, Any]) -> None:
    read_report({"minrlm": raw})
    read_report({"minrlm": list(raw)})
    read_report({})


def test_a_huge_report_is_cut() -> None:
    variables = [{"name": "n" * 10_000, "type": "t", "size": -1, "preview": "\x1b[31m"}] * 1_000
    report = read_report({"minrlm": GOOD | {"variables": variables, "notices": ["x" * 10**6] * 1_000}})
    assert len(report.variables) == 200
    assert report.variables[0].size is None
    assert report.variables[0].preview == ""
    assert sum(map(len, report.notices)) < 100_000


# -- the process -----------------------------------------------------------------------------------------------


class _Provisioner:
    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import sys; sys.exit(3)", "it exited with code 3"),
        ("import sys; print('a\\nb\\x1b[31m', file=sys.stderr); sys.exit(1)", "it exited with code 1: a\nb"),
        ("import os, sys; sys.stderr.write('x\\n' * 100_000); os.kill(os.getpid(), 9)", "it was killed by SIGKILL"),
        ("import os; os.kill(os.getpid(), 40)", "it was killed by"),
        ("import faulthandler, os; faulthandler.enable(); os.abort()", "SIGABRT: Fatal Python error: Aborted"),
    ],
)
def test_the_cause_of_death_and_the_last_words_are_told(code: str, cause: str) -> None:
    poller = zmq.Poller()
    watch = Watch(_Provisioner(code))
    watch.register(poller)
    while not watch.wait(0):
        poller.poll(100)
        watch.listen(poller)
    watch.reap(poller)
    watch.close()
    assert cause in watch.cause
    assert len(watch.cause) < 5_000


def test_a_process_that_lives_is_not_dead() -> None:
    provisioner = _Provisioner("import time; time.sleep(60)")
    watch, poller = Watch(provisioner), zmq.Poller()
    watch.register(poller)
    assert not watch.has_exited()
    assert not watch.wait(0.05)
    provisioner.process.kill()
    assert watch.wait(10)
    watch.reap(poller)
    watch.close()
