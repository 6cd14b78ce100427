"""The call channel's kernel side, against a socket held by the test."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from minrlm_nb.inkernel.calls import NoChannel, SocketChannel, StdinChannel
from minrlm_nb.wire import MAX_FRAME_BYTES, STDIN_CALL_PREFIX, CallReply, CallRequest, pack_frame, read_frame


class Line:
    """A channel and the driver's end of it."""

    def __init__(self) -> None:
        mine, theirs = socket.socketpair()
        self.driver = theirs
        self.closed = threading.Event()
        self.channel = SocketChannel(mine, self.closed.set)

    def receive(self) -> dict[str, Any]:
        return read_frame(self.driver.recv)

    def send(self, **reply: Any) -> None:
        self.driver.sendall(pack_frame(reply))

    def asking(self, *tasks: str) -> Asking:
        return Asking(self.channel, tasks)

    def close(self) -> None:
        self.driver.close()
        self.channel.close()


class Asking(threading.Thread):
    """Asks from a thread of its own."""

    def __init__(self, channel: SocketChannel, tasks: tuple[str, ...]) -> None:
        super().__init__()
        self._channel, self._tasks = channel, tasks
        self.replies: list[CallReply] = []
        self.start()

    def run(self) -> None:
        self.replies = self._channel.ask_all([request(task) for task in self._tasks])

    def values(self) -> list[str]:
        self.join(10)
        assert not self.is_alive()
        return [reply.get("value", reply.get("error", "")) for reply in self.replies]


def request(task: str) -> CallRequest:
    return CallRequest(op="sub_llm", task=task, context="")


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def test_replies_in_any_order_reach_their_requests(line: Line) -> None:
    asking = line.asking("a", "b", "c")
    ids = {(got := line.receive())["task"]: got["id"] for _ in range(3)}
    for task in "cab":
        line.send(id=ids[task], ok=True, value=task.upper())
    assert asking.values() == ["A", "B", "C"]


def test_many_threads_share_the_channel(line: Line) -> None:
    def echo() -> None:
        for _ in range(200):
            got = line.receive()
            line.send(id=got["id"], ok=True, value=got["task"])

    echoing = threading.Thread(target=echo)
    echoing.start()
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda n: line.channel.ask_all([request(str(n))])[0]["value"], range(200)))
    echoing.join()
    assert replies == [str(n) for n in range(200)]


def test_unknown_and_repeated_replies_are_dropped(line: Line) -> None:
    asking = line.asking("a")
    number = line.receive()["id"]
    line.send(id=10**6, ok=True, value="whose?")
    line.send(value="without id")
    line.send(id=[1], ok=True)
    line.send(id=number, ok=True, value="first")
    line.send(id=number, ok=True, value="second")
    assert asking.values() == ["first"]


def test_a_request_too_long_for_a_frame_fails_alone(line: Line) -> None:
    asking = line.asking("x" * (MAX_FRAME_BYTES + 1), "b")
    line.send(id=line.receive()["id"], ok=True, value="B")
    long, short = asking.values()
    assert f"{MAX_FRAME_BYTES:,}" in long
    assert short == "B"
    assert asking.replies[0]["kind"] == "bad_request"


@pytest.mark.parametrize("ending", [b"", b"\0\0", b"\xff\xff\xff\xff", b"\0\0\0\2{]", b"\0\0\0\2[]"])
def test_a_channel_that_ends_or_breaks_fails_what_waits_and_what_comes(line: Line, ending: bytes) -> None:
    asking = line.asking("a", "b")
    line.receive()
    line.driver.sendall(ending)
    line.driver.shutdown(socket.SHUT_WR)
    assert all("the call channel to the driver is closed" in error for error in asking.values())
    assert line.closed.wait(10)
    assert "the call channel to the driver is closed" in line.channel.ask_all([request("c")])[0]["error"]


def test_connecting_where_nobody_listens_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        SocketChannel.connect(str(tmp_path / "nobody"))


def test_stdin_calls_carry_the_same_messages() -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        got = json.loads(prompt.removeprefix(STDIN_CALL_PREFIX))
        return json.dumps({"id": got["id"], "ok": True, "value": got["task"].upper()})

    channel = StdinChannel(ask)
    assert [reply["value"] for reply in channel.ask_all([request("a"), request("b")])] == ["A", "B"]
    assert all(prompt.startswith(STDIN_CALL_PREFIX) for prompt in prompts)


@pytest.mark.parametrize("answer", ["", "not json", "[]", '{"id": 99, "ok": true, "value": "stale"}'])
def test_a_strange_answer_over_stdin_is_a_failure(answer: str) -> None:
    (reply,) = StdinChannel(lambda prompt: answer).ask_all([request("a")])
    assert (reply["ok"], reply["kind"]) == (False, "bad_request")


def test_without_a_channel_every_request_fails_with_the_remedy() -> None:
    replies = NoChannel().ask_all([request("a"), request("b")])
    assert [reply["ok"] for reply in replies] == [False, False]
    assert "%%rlm" in replies[0]["error"]
