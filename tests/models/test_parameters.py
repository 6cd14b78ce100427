from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from minrlm_nb.core.records import ModelReply, Usage
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import Fault, ScriptedServer

from .asking import KEY, Heard, ask, talking_to


@pytest.mark.parametrize("style", ["openai", "message"])
@pytest.mark.parametrize("parameter", ["temperature", "reasoning_effort"])
def test_a_refused_parameter_is_left_out_from_then_on(parameter: str, style: Any) -> None:
    server = ScriptedServer("ok", cycle=True, refuses=[parameter], error_style=style)
    with server, talking_to(server) as model:
        for _ in range(2):
            assert ask(model, reasoning_effort="low", temperature=0.5).text == "ok"
        assert model.notices() == [f"scripted refuses {parameter}; left out"]
    assert [parameter in received.body for received in server.requests] == [True, False, False]


def test_refused_stream_options_leave_a_stream_whose_usage_is_counted() -> None:
    with ScriptedServer("ok", cycle=True, refuses=["stream_options"]) as server, talking_to(server) as model:
        heard = Heard()
        reply = ask(model, heard)
        assert heard.text == reply.text == "ok"
        assert reply.usage.estimated
    assert server.requests[1].body["stream"] is True


def test_a_refused_stream_is_told_in_one_piece() -> None:
    spoken = ModelReply("the whole reply", usage=Usage(9, 3))
    with ScriptedServer([spoken], refuses=["stream"]) as server, talking_to(server) as model:
        heard = Heard()
        reply = ask(model, heard)
    assert (heard.text, heard.pieces) == ("the whole reply", 1)
    assert reply.usage == Usage(9, 3, cost_usd=0.0)
    assert "stream_options" not in server.requests[-1].body


def test_several_refusals_are_learnt_one_after_another() -> None:
    refuses = ["temperature", "reasoning_effort", "max_tokens", "max_completion_tokens", "stream_options"]
    with ScriptedServer("ok", cycle=True, refuses=refuses) as server, talking_to(server) as model:
        assert ask(model, Heard(), reasoning_effort="low", max_output_tokens=9).text == "ok"
        assert len(model.notices()) == 5
    assert len(server.requests) == 6
    assert set(server.requests[-1].body) == {"model", "messages", "stream"}


def test_a_parameter_refused_by_twenty_calls_at_once_is_noticed_once() -> None:
    server = ScriptedServer("ok", cycle=True, refuses=["temperature"], latency_s=0.02)
    with server, talking_to(server) as model, ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: ask(model).text, range(20))) == ["ok"] * 20
        assert model.notices() == ["scripted refuses temperature; left out"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("gpt-6-luna", "max_completion_tokens"),
        ("openai/gpt-5.4-mini", "max_completion_tokens"),
        ("gpt-4o-mini", "max_tokens"),
        ("gpt-oss:20b", "max_tokens"),
        ("qwen2.5-coder:7b", "max_tokens"),
    ],
)
def test_the_limit_is_named_as_the_model_wants_it_and_swapped_if_not(name: str, first: str) -> None:
    second = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}[first]
    with ScriptedServer("ok", cycle=True, refuses=[first]) as server:
        model = OpenAIChat(name, server.base_url, KEY)
        try:
            for _ in range(2):
                ask(model, max_output_tokens=77)
            assert model.notices() == [f"{name} refuses {first}; {second} is used instead"]
        finally:
            model.close()
    assert server.requests[0].body[first] == 77
    assert [received.body.get(second) for received in server.requests] == [None, 77, 77]


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Unknown field: temperature"},
        {"error": {"message": "temperature is not a parameter of this model"}},
        {"error": {"message": "bad value", "param": "temperature"}},
        {"message": "`temperature`: extra inputs are not permitted", "type": "value_error"},
        {"error": "unsupported option temperature"},
    ],
)
@pytest.mark.parametrize("code", [400, 422])
def test_refusals_are_read_in_the_words_of_other_servers(code: int, body: dict[str, Any]) -> None:
    with ScriptedServer([Fault.status(code, body=body), "ok"]) as server, talking_to(server) as model:
        assert ask(model).text == "ok"
    assert "temperature" not in server.requests[1].body


def test_a_parameter_that_was_not_sent_is_no_reason_to_ask_again() -> None:
    with ScriptedServer([Fault.refuse_parameter("reasoning_effort")]) as server, talking_to(server) as model:
        with pytest.raises(Exception, match="refused the request"):
            ask(model)
        assert len(server.requests) == 1


def test_a_parameter_the_user_insists_on_is_not_left_out() -> None:
    server = ScriptedServer("ok", cycle=True, refuses=["temperature"])
    with server, talking_to(server, extra_body={"temperature": 1}) as model:
        with pytest.raises(Exception, match="'temperature' is not supported"):
            ask(model)
        assert len(server.requests) == 1
