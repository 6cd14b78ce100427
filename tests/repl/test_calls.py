"""The driver's end of the call channel, spoken to by a hostile peer."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minrlm_nb.core.ports import Cancel
from minrlm_nb.repl.calls import CallDesk, CallServer
from minrlm_nb.repl.requests import BadRequest, checked, checked_reads, request_id
from minrlm_nb.repl.workers import Workers
from minrlm_nb.wire import CallReply, CallRequest, WireError, pack_frame, read_frame

from .driving import EchoModel, until

READS = {"searches": 1, "empty_searches": 0, "peeks": 0, "sub_calls": 2}


class Peer:
    """The kernel's end, as rude as needed."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def send(self, message: Any) -> None:
        self.socket.sendall(pack_frame(message))

    def reply(self) -> dict[str, Any]:
        return read_frame(self.socket.recv)

    def is_shut_out(self) -> bool:
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def serving(tmp: Path) -> Iterator[tuple[CallDesk, CallServer, Peer]]:
    desk = CallDesk()
    server = CallServer(tmp / "calls", desk)
    peer = Peer(tmp / "calls")
    assert server.connected.wait(10)
    try:
        yield desk, server, peer
    finally:
        peer.socket.close()
        server.close()
        desk.close()


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[tuple[CallDesk, CallServer, Peer]]:
    with serving(tmp_path) as served:
        yield served


Channel = tuple[CallDesk, CallServer, Peer]


def test_calls_are_answered_in_any_order(channel: Channel) -> None:
    desk, _, peer = channel
    release = threading.Event()

    def handler(request: CallRequest, cancel: Cancel) -> CallReply:
        if request["task"] == "slow":
            release.wait(10)
        return {"id": 999, "ok": True, "value": request["task"]}

    desk.open(handler)
    peer.send({"id": 1, "op": "sub_llm", "task": "slow"})
    peer.send({"id": 2, "op": "sub_llm", "task": "\ud800 fast"})
    assert peer.reply() == {"id": 2, "ok": True, "value": "\ud800 fast"}
    release.set()
    assert peer.reply() == {"id": 1, "ok": True, "value": "slow"}


def test_only_the_first_to_connect_is_served(channel: Channel, tmp_path: Path) -> None:
    until(lambda: not (tmp_path / "calls").exists())
    with pytest.raises(FileNotFoundError):
        Peer(tmp_path / "calls")


def test_calls_are_refused_while_no_cell_runs(channel: Channel) -> None:
    desk, _, peer = channel
    peer.send({"id": 1, "op": "sub_llm", "task": "early"})
    assert peer.reply()["kind"] == "refused"
    desk.open(EchoModel())
    desk.shut()
    peer.send({"id": 2, "op": "sub_llm", "task": "late"})
    assert peer.reply()["kind"] == "refused"


def test_the_end_of_a_cell_abandons_its_calls_and_drops_those_that_wait(channel: Channel) -> None:
    desk, _, peer = channel
    model = EchoModel()
    desk.open(model)
    for number in range(200):
        peer.send({"id": number, "op": "sub_llm", "task": "sleep 60"})
    until(lambda: len(model.requests) == 64)
    desk.shut()
    assert {peer.reply()["kind"] for _ in range(200)} == {"refused"}
    assert len(model.requests) == 64


@pytest.mark.parametrize(
    "request_",
    [
        {"op": "other"},
        {"op": None},
        {"op": ["sub_llm"]},
        {},
        {"op": "sub_llm", "task": 5},
        {"op": "sub_llm", "task": "t", "context": ["c"]},
        {"op": "sub_llm", "task": "t", "choices": "abc"},
        {"op": "sub_llm", "task": "t", "choices": ["a", 1]},
        {"op": "sub_llm", "task": "t", "choices": ["a"] * 10_001},
        {"op": "sub_llm", "task": "t", "reads": {"searches": -1}},
        {"op": "sub_llm", "task": "t", "reads": READS | {"peeks": True}},
        {"op": "final"},
        {"op": "final", "answer": 42},
        {"op": "final", "answer": {"note": ""}},
        {"op": "final", "answer": {"value": 1, "note": 2}},
    ],
)
def test_a_bad_request_gets_a_reply_that_says_so(channel: Channel, request_: dict[str, Any]) -> None:
    desk, server, peer = channel
    model = EchoModel()
    desk.open(model)
    peer.send({"id": 7, **request_})
    reply = peer.reply()
    assert (reply["id"], reply["ok"], reply["kind"]) == (7, False, "bad_request")
    peer.send({"id": 8, "op": "sub_llm", "task": "fine"})
    assert peer.reply()["value"] == "FINE"
    assert server.broken == ""


def test_a_request_is_passed_on_with_its_own_fields_only() -> None:
    assert checked({"id": 1, "op": "sub_llm", "task": "t", "answer": {}, "evil": 1, "reads": READS | {"more": 1}}) == {
        "id": 1,
        "op": "sub_llm",
        "task": "t",
        "context": "",
        "choices": None,
        "reads": READS,
    }
    assert checked({"id": 1, "op": "final", "answer": {"value": [1], "x": 2}}) == {
        "id": 1,
        "op": "final",
        "answer": {"value": [1], "note": ""},
    }
    with pytest.raises(BadRequest):
        checked_reads(None)


@pytest.mark.parametrize("number", [None, "1", 1.0, -1, True, 2**60, [1]])
def test_a_request_without_a_usable_id_can_not_be_answered(number: object) -> None:
    with pytest.raises(WireError):
        request_id({"id": number})


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("!I", 2**32 - 1),
        struct.pack("!I", 3) + b"{]}",
        struct.pack("!I", 2) + b"[]",
        struct.pack("!I", 2) + b"{}",
        struct.pack("!I", 2) + b"\xff\xfe",
        struct.pack("!I", 0),
        struct.pack("!I", 100_000) + b"[" * 100_000,
        pack_frame({"id": "x", "op": "sub_llm"}),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_shut_out(channel: Channel, frame: bytes) -> None:
    desk, server, peer = channel
    desk.open(EchoModel())
    peer.socket.sendall(frame)
    assert peer.is_shut_out()
    assert server.broken


def test_an_id_in_use_can_not_be_used_again(channel: Channel) -> None:
    desk, server, peer = channel
    desk.open(EchoModel())
    for _ in range(2):
        peer.send({"id": 1, "op": "sub_llm", "task": "sleep 60"})
    assert peer.is_shut_out()
    assert "id 1" in server.broken


def test_an_id_may_come_again_once_it_was_answered(channel: Channel) -> None:
    desk, _, peer = channel
    desk.open(EchoModel())
    for _ in range(200):
        peer.send({"id": 1, "op": "sub_llm", "task": "x"})
        assert peer.reply()["value"] == "X"


def test_a_peer_that_goes_away_is_noticed(channel: Channel) -> None:
    desk, server, peer = channel
    desk.open(EchoModel())
    peer.send({"id": 1, "op": "sub_llm", "task": "sleep 0.2"})
    peer.socket.close()
    until(lambda: "closed" in server.broken)


def test_more_calls_than_may_be_in_flight_wait_their_turn(channel: Channel) -> None:
    desk, _, peer = channel
    desk.open(EchoModel())
    count = 5_000

    def send() -> None:
        for number in range(count):
            peer.send({"id": number, "op": "sub_llm", "task": f"t{number}"})

    sender = threading.Thread(target=send)
    sender.start()
    replies = {reply["id"]: reply["value"] for reply in (peer.reply() for _ in range(count))}
    sender.join()
    assert replies == {number: f"T{number}" for number in range(count)}


def test_a_reply_that_is_too_long_becomes_a_refusal(channel: Channel) -> None:
    desk, _, peer = channel
    desk.open(lambda request, cancel: {"id": request["id"], "ok": True, "value": "x" * (65 * 2**20)})
    peer.send({"id": 1, "op": "sub_llm", "task": "x"})
    reply = peer.reply()
    assert (reply["ok"], reply["kind"]) == (False, "refused")


def test_a_server_that_nobody_called_closes(tmp_path: Path) -> None:
    desk = CallDesk()
    CallServer(tmp_path / "calls", desk).close()
    desk.close()
    assert not (tmp_path / "calls").exists()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_no_bytes_crash_the_server(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    with serving(tmp_path_factory.mktemp("calls")) as (desk, server, peer):
        desk.open(EchoModel())
        for piece in pieces:
            try:
                peer.socket.sendall(piece)
            except OSError:
                break
        peer.socket.close()
        until(lambda: server.broken != "")


@given(
    st.dictionaries(
        st.sampled_from(["id", "op", "task", "context", "choices", "answer", "reads"]),
        st.none()
        | st.text()
        | st.integers()
        | st.lists(st.text())
        | st.just("final")
        | st.just("sub_llm")
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_a_checked_request_has_the_right_types(raw: dict[str, Any]) -> None:
    try:
        request = checked(raw | {"id": 1})
    except BadRequest:
        return
    assert request["op"] in ("sub_llm", "rlm", "final")
    json.dumps(request)


# -- workers -----------------------------------------------------------------------------------------------------


def test_workers_use_no_more_threads_than_they_may_and_end_with_their_close() -> None:
    workers = Workers("test-worker", most=3)
    running, peak, done = [0], [0], []
    lock = threading.Lock()
    gate = threading.Event()

    def job() -> None:
        with lock:
            running[0] += 1
            peak[0] = max(peak[0], running[0])
        gate.wait(10)
        with lock:
            running[0] -= 1
            done.append(1)

    for _ in range(10):
        workers.submit(job)
    until(lambda: running[0] == 3)
    gate.set()
    until(lambda: len(done) == 10)
    workers.close()
    assert peak[0] == 3
    assert not any(thread.name.startswith("test-worker") for thread in threading.enumerate())
    workers.submit(job)
    assert len(done) == 10


def test_an_idle_worker_is_used_again() -> None:
    workers = Workers("test-worker")
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)

    for number in range(20):
        workers.submit(job)
        until(lambda number=number: len(names) > number)  # type: ignore[misc]
        time.sleep(0.01)  # until it waits again
    workers.close()
    assert len(set(names)) == 1
