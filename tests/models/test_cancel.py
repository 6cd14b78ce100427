from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.records import ModelRequest
from minrlm_nb.errors import RunStopped
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import Fault, ScriptedServer

from .asking import Heard, ask, question, talking_to, until


def stopped_when(
    ready: Callable[[], bool], model: OpenAIChat, heard: Heard | None = None, request: ModelRequest | None = None
) -> float:
    """Ask, stop once ``ready``; seconds from stop to return."""
    cancel = Cancel()
    stopped_at: list[float] = []

    def stop() -> None:
        assert until(ready)
        stopped_at.append(time.monotonic())
        cancel.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(RunStopped):
        model.ask(request or question(), cancel, heard)
    returned_at = time.monotonic()
    stopper.join()
    return returned_at - stopped_at[0]


def test_a_call_that_waits_for_its_answer_stops_and_lets_go() -> None:
    with ScriptedServer([Fault.silence(), "fine"]) as server, talking_to(server) as model:
        assert stopped_when(lambda: len(server.requests) == 1, model) < 2
        assert until(lambda: server.connections == 0)
        assert ask(model).text == "fine"


def test_a_call_in_mid_stream_stops_and_lets_go() -> None:
    heard = Heard()
    with ScriptedServer([Fault.endless(), "fine"]) as server, talking_to(server) as model:
        assert stopped_when(lambda: heard.pieces > 10, model, heard) < 2
        assert until(lambda: server.connections == 0)
        pieces = heard.pieces
        assert ask(model).text == "fine"
        assert heard.pieces == pieces, "nothing is told after the end"


def test_a_call_in_a_slow_stream_stops() -> None:
    heard = Heard()
    with ScriptedServer(["word " * 1000], tokens_per_s=20) as server, talking_to(server) as model:
        assert stopped_when(lambda: heard.pieces >= 1, model, heard) < 2


def test_a_call_between_two_retries_stops() -> None:
    with ScriptedServer([Fault.status(429, retry_after=30)]) as server, talking_to(server) as model:
        ask_noticed = threading.Event()

        def retrying() -> bool:
            if any("429" in notice for notice in model.notices()):
                ask_noticed.set()
            return ask_noticed.is_set()

        assert stopped_when(retrying, model) < 2


def test_a_call_that_connects_stops() -> None:
    # 192.0.2.0/24 is set aside for documentation: packets go nowhere, or are refused at once and retried.
    model = OpenAIChat("m", "http://192.0.2.1:9/v1", max_retries=10)
    started = time.monotonic()
    try:
        assert stopped_when(lambda: time.monotonic() - started > 0.2, model) < 2
    finally:
        model.close()


def test_a_call_that_is_stopped_before_it_starts_asks_nobody() -> None:
    cancel = Cancel()
    cancel.stop()
    with ScriptedServer(["ok"]) as server, talking_to(server) as model:
        with pytest.raises(RunStopped):
            model.ask(question(), cancel)
        assert server.requests == []


def test_stopping_one_run_leaves_the_calls_of_another_alone() -> None:
    with ScriptedServer("ok", cycle=True, latency_s=0.3) as server, talking_to(server) as model:
        other: list[str] = []
        thread = threading.Thread(target=lambda: other.append(ask(model).text))
        thread.start()
        stopped_when(lambda: len(server.requests) == 2, model)
        thread.join()
    assert other == ["ok"]


def test_a_call_that_ended_forgets_the_signal() -> None:
    cancel = Cancel()
    with ScriptedServer("ok", cycle=True) as server, talking_to(server) as model:
        for _ in range(3):
            model.ask(question(), cancel)
        assert cancel._callbacks == {}
