from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from minrlm_nb.core.ports import Cancel, ChatModel
from minrlm_nb.core.records import ModelReply, ModelRequest, Usage
from minrlm_nb.errors import ConfigError, ModelConnectionError
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import Fault, ScriptedServer

from .asking import KEY, STEP, Heard, ask, question, talking_to, until


def test_a_reply_streams_in_pieces_and_comes_back_whole() -> None:
    text = "Let me look.\n```python\nprint(len(input_0))\n```" * 3
    spoken = ModelReply(text, "first I look at its size", usage=Usage(120, 30, 100))
    with ScriptedServer([spoken], tokens_per_s=400) as server, talking_to(server) as model:
        heard = Heard()
        reply = model.ask(ModelRequest(STEP, max_output_tokens=500), Cancel(), heard)
    assert reply.text == heard.text == text
    assert reply.reasoning == heard.reasoning == "first I look at its size"
    assert heard.pieces > 5
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(120, 30, 100, cost_usd=0.0)
    assert reply.model == "scripted"
    assert reply.duration_s > 0
    body = server.requests[0].body
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["messages"][0] == {"role": "system", "content": "You write Python."}
    assert body["temperature"] == 0.0
    assert body["max_tokens"] == 500


def test_a_reply_nobody_listens_to_comes_without_a_stream() -> None:
    with ScriptedServer([ModelReply("42", "easy", usage=Usage(7, 1))]) as server, talking_to(server) as model:
        reply = ask(model)
    assert (reply.text, reply.reasoning, reply.usage) == ("42", "easy", Usage(7, 1, cost_usd=0.0))
    assert "stream" not in server.requests[0].body


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_is_found_in_every_vendors_field(field: str, stream: bool) -> None:
    spoken = ModelReply("answer", "thought")
    with ScriptedServer([spoken], reasoning_field=field) as server, talking_to(server) as model:
        reply = ask(model, Heard() if stream else None)
    assert (reply.text, reply.reasoning) == ("answer", "thought")


@pytest.mark.parametrize("stream", [True, False])
def test_usage_that_is_missing_is_counted_and_marked(stream: bool) -> None:
    with ScriptedServer(["x" * 400], usage=False) as server, talking_to(server) as model:
        reply = ask(model, Heard() if stream else None, text="y" * 4000)
    assert reply.usage.estimated
    assert reply.usage.completion_tokens == 100
    assert 1000 <= reply.usage.prompt_tokens <= 1010
    assert reply.usage.cost_usd == 0.0


def test_fifty_questions_at_once_each_get_their_own_reply() -> None:
    def echo(request: ModelRequest) -> str:
        return f"reply to {request.messages[-1].content}"

    with ScriptedServer(echo, latency_s=0.02) as server, talking_to(server) as model, ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda n: ask(model, text=f"question {n}").text, range(50)))
        streamed = list(pool.map(lambda n: ask(model, Heard(), text=f"question {n}").text, range(50)))
    assert replies == streamed == [f"reply to question {n}" for n in range(50)]


def test_connections_are_used_again() -> None:
    with ScriptedServer("ok", cycle=True) as server, talking_to(server) as model:
        for _ in range(5):
            ask(model)
            ask(model, Heard())
            assert server.connections == 1


def test_pieces_are_told_in_the_thread_that_asks() -> None:
    threads: set[int] = set()
    with ScriptedServer(["some text"]) as server, talking_to(server) as model:
        model.ask(question(), Cancel(), lambda _text, _is_reasoning: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_a_slow_listener_gets_longer_pieces_and_holds_nothing_up() -> None:
    heard = Heard()

    def slowly(text: str, is_reasoning: bool) -> None:
        heard(text, is_reasoning)
        time.sleep(0.05)

    spoken = ModelReply("t" * 40_000, "r" * 4_000)
    with ScriptedServer([spoken]) as server, talking_to(server) as model:
        model.ask(question(), Cancel(), slowly)
    assert (heard.text, heard.reasoning) == (spoken.text, spoken.reasoning)
    assert heard.pieces < 500, "the server sent some 1,800"


def test_an_exception_of_the_listener_reaches_the_asker_and_ends_the_call() -> None:
    def broken(text: str, is_reasoning: bool) -> None:
        raise ZeroDivisionError("in the listener")

    with ScriptedServer([Fault.endless(), "fine"]) as server, talking_to(server) as model:
        with pytest.raises(ZeroDivisionError):
            model.ask(question(), Cancel(), broken)
        assert until(lambda: server.connections == 0)
        assert ask(model).text == "fine"


def test_closing_leaves_no_thread_and_no_socket() -> None:
    before = set(threading.enumerate())
    with ScriptedServer("ok", cycle=True) as server:
        model = OpenAIChat("scripted", server.base_url, KEY)
        ask(model)
        assert server.connections == 1
        model.close()
        model.close()
        assert until(lambda: server.connections == 0)
        with pytest.raises(ModelConnectionError, match="closed"):
            ask(model)
    assert set(threading.enumerate()) <= before


def test_an_adapter_that_is_forgotten_ends_its_thread() -> None:
    before = set(threading.enumerate())
    with ScriptedServer("ok", cycle=True) as server:
        assert ask(OpenAIChat("scripted", server.base_url, KEY)).text == "ok"
        assert until(lambda: server.connections == 0)
    assert set(threading.enumerate()) <= before


def test_closing_ends_the_calls_under_way() -> None:
    with ScriptedServer([Fault.silence()]) as server, talking_to(server) as model:
        errors: list[Exception] = []

        def asks() -> None:
            try:
                ask(model)
            except ModelConnectionError as error:
                errors.append(error)

        thread = threading.Thread(target=asks)
        thread.start()
        assert until(lambda: len(server.requests) == 1)
        model.close()
        thread.join()
    assert "closed while it was asked" in str(errors[0])


def test_extra_body_goes_into_every_request() -> None:
    extra = {"top_k": 20, "temperature": 0.5}
    with ScriptedServer("ok", cycle=True) as server, talking_to(server, extra_body=extra) as model:
        ask(model)
        ask(model, Heard())
    for received in server.requests:
        assert received.body["top_k"] == 20
        assert received.body["temperature"] == 0.5


def test_the_key_goes_to_the_endpoint_and_into_no_repr() -> None:
    with ScriptedServer(["ok"], api_key=KEY) as server, talking_to(server, label="my model") as model:
        assert ask(model).text == "ok"
        assert model.name == "my model"
        assert repr(model) == str(model) == f"OpenAIChat('my model' at {server.base_url})"
        seen = [repr(value) for value in vars(model).values()]
        assert not any(KEY in text for text in seen)


def test_a_url_with_a_password_and_a_query_is_shown_without() -> None:
    model = OpenAIChat("m", "http://me:secret-word@localhost:9/v1?token=abc", None)
    try:
        assert repr(model) == "OpenAIChat('m' at http://localhost:9/v1)"
        assert "secret-word" not in repr(vars(model))
    finally:
        model.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"model": ""}, "model must be"),
        ({"model": "m", "base_url": "localhost:11434"}, "base_url must be a URL"),
        ({"model": "m", "base_url": "ftp://host/v1"}, "base_url must be a URL"),
        ({"model": "m", "base_url": "http://host:port/v1"}, "base_url must be a URL"),
        ({"model": "m", "timeout_s": 0}, "timeout_s must be above 0"),
        ({"model": "m", "max_retries": -1}, "max_retries must be 0 or more"),
        ({"model": "m", "client": object()}, "client must be an openai.OpenAI"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        OpenAIChat(**arguments)


def test_it_is_a_chat_model_with_a_price_where_one_is_known() -> None:
    priced: ChatModel = OpenAIChat("gpt-5-mini")
    unpriced: ChatModel = OpenAIChat("my-own", "https://gateway.example.com/v1", prompt_profile="small")
    try:
        assert priced.has_price
        assert not unpriced.has_price
        assert unpriced.prompt_profile == "small"
    finally:
        priced.close()
        unpriced.close()
