"""The stand-ins themselves."""

from __future__ import annotations

import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from minrlm_nb import testing
from minrlm_nb.core.ports import Cancel, ChatModel
from minrlm_nb.core.records import Message, ModelReply, ModelRequest, Usage
from minrlm_nb.errors import ConfigError, ModelReplyError, ModelServerError, ModelTimeoutError, RunStopped
from minrlm_nb.testing import Fault, ScriptedModel, ScriptedServer, is_sub_call, server_process

from .asking import KEY, STEP, Heard, ask, question, talking_to


def test_replies_come_in_order_whatever_their_form() -> None:
    model = ScriptedModel(["one", lambda request: request.messages[-1].content.upper(), ModelReply("three", "thought")])
    texts = [model.ask(question("two"), Cancel()).text for _ in range(3)]
    assert texts == ["one", "TWO", "three"]
    assert [request.messages[-1].content for request in model.requests] == ["two"] * 3
    with pytest.raises(ModelReplyError, match="3 replies and was asked for one more"):
        model.ask(question(), Cancel())


def test_sub_calls_are_answered_apart_from_the_steps() -> None:
    def about(request: ModelRequest) -> str:
        return f"about {request.messages[-1].content}"

    model = ScriptedModel(["step 1", "step 2"], answer_sub_calls=about)
    step = ModelRequest(STEP)
    assert not is_sub_call(step)
    assert is_sub_call(question("this"))
    asked = [step, question("this"), question("that"), step]
    assert [model.ask(request, Cancel()).text for request in asked] == ["step 1", "about this", "about that", "step 2"]


def test_an_exception_in_the_script_is_raised_and_a_fault_needs_the_server() -> None:
    model: ChatModel = ScriptedModel([ModelServerError("down"), Fault.garbage(), "fine"])
    with pytest.raises(ModelServerError, match="down"):
        model.ask(question(), Cancel())
    with pytest.raises(ConfigError, match="needs a ScriptedServer"):
        model.ask(question(), Cancel())
    assert model.ask(question(), Cancel()).text == "fine"


def test_a_scripted_model_streams_and_counts_and_remarks() -> None:
    heard = Heard()
    model = ScriptedModel([ModelReply("x" * 100, "y" * 50)], chunk_chars=10)
    model.remark("something")
    model.ask(question(), Cancel(), heard)
    assert (heard.text, heard.reasoning, heard.pieces) == ("x" * 100, "y" * 50, 15)
    assert model.notices() == ["something"]
    assert model.notices() == []
    counted = ScriptedModel("x" * 400).ask(question("y" * 40), Cancel()).usage
    assert (counted.completion_tokens, counted.cost_usd, counted.estimated) == (100, 0.0, False)
    dear = ScriptedModel("x", usage=Usage(5, 5, cost_usd=0.25))
    assert dear.has_price
    assert dear.ask(question(), Cancel()).usage.cost_usd == 0.25


def test_a_slow_scripted_model_stops_at_once_and_knows_its_limit() -> None:
    model = ScriptedModel("x", cycle=True, delay_s=30)
    cancel = Cancel()
    threading.Timer(0.05, cancel.stop).start()
    with pytest.raises(RunStopped):
        model.ask(question(), cancel)
    with pytest.raises(ModelTimeoutError):
        model.ask(question(timeout_s=0.01), Cancel())


def test_the_server_speaks_to_the_sdk_itself() -> None:
    spoken = ModelReply("hello there", usage=Usage(12, 3, 4))
    with (
        ScriptedServer([spoken, spoken], models=["a", "b"]) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k") as client,
    ):
        messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
        whole = client.chat.completions.create(model="a", messages=messages)
        assert whole.choices[0].message.content == "hello there"
        assert whole.usage is not None
        assert whole.usage.prompt_tokens_details is not None
        assert (whole.usage.prompt_tokens, whole.usage.prompt_tokens_details.cached_tokens) == (12, 4)
        chunks = list(
            client.chat.completions.create(
                model="a", messages=messages, stream=True, stream_options={"include_usage": True}
            )
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "hello there"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 3
        assert [model.id for model in client.models.list()] == ["a", "b"]
    received = server.requests[0]
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer k"
    assert received.body_bytes > 50


def test_the_server_tells_steps_from_sub_calls() -> None:
    with ScriptedServer(["step"], answer_sub_calls="sub") as server, talking_to(server) as model:
        assert ask(model).text == "sub"
        assert model.ask(ModelRequest(STEP), Cancel()).text == "step"


def test_the_end_of_the_servers_script_is_told() -> None:
    with ScriptedServer(["only"]) as server, talking_to(server) as model:
        ask(model)
        with pytest.raises(Exception, match="1 replies and was asked for one more"):
            ask(model)


def test_latency_and_pace_are_kept() -> None:
    with ScriptedServer("x" * 80, cycle=True, sub_latency_s=0.1) as server, talking_to(server) as model:
        started = time.monotonic()
        ask(model)
        assert time.monotonic() - started >= 0.1
    with ScriptedServer("x" * 80, tokens_per_s=100) as server, talking_to(server) as model:
        started = time.monotonic()
        ask(model, Heard())
        assert time.monotonic() - started >= 0.19


def test_a_server_in_a_process_of_its_own_ends_with_the_block() -> None:
    with server_process(replies=["a", "b"], cycle=True, latency_s=0.001, api_key=KEY) as url:
        model = testing.ScriptedServer  # the public names load on first use
        assert model is ScriptedServer
        with openai.OpenAI(base_url=url, api_key=KEY) as client, ThreadPoolExecutor(4) as pool:

            def ask_once(_: int) -> str | None:
                reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
                return reply.choices[0].message.content

            texts = sorted(map(str, pool.map(ask_once, range(8))))
        assert texts == ["a"] * 4 + ["b"] * 4
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/models")


def test_unknown_public_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        testing.Nonsense  # noqa: B018


def test_a_request_of_parts_and_unknown_roles_is_read() -> None:
    with (
        ScriptedServer(lambda request: repr(request.messages)) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k") as client,
    ):
        reply = client.chat.completions.create(
            model="m",
            messages=[
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            ],
        )
    assert reply.choices[0].message.content == repr((Message("system", "be brief"), Message("user", "ab")))
