"""Ready clients of the SDK, as users bring them."""

from __future__ import annotations

import asyncio
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import openai
import pytest

from minrlm_nb.core.ports import Cancel
from minrlm_nb.errors import ConfigError, ModelAuthError, ModelError, ModelNotFoundError, RunStopped
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import Fault, ScriptedServer

from .asking import KEY, Heard, ask, failure_of, question, until


def http_library() -> ModuleType:
    """The HTTP library under the SDK: httpx, or httpx2 from the SDK's third version on."""
    return importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])


async def ask_directly(client: openai.AsyncOpenAI) -> str | None:
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
    return reply.choices[0].message.content


def test_a_blocking_client_answers_whole_and_streamed_and_stays_open() -> None:
    with (
        ScriptedServer("some text", cycle=True, api_key=KEY) as server,
        openai.OpenAI(base_url=server.base_url, api_key=KEY) as client,
    ):
        model = OpenAIChat("m", client=client)
        heard = Heard()
        assert ask(model).text == ask(model, heard).text == heard.text == "some text"
        assert server.base_url in repr(model)
        assert KEY not in repr(vars(model))
        model.close()
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
        assert reply.choices[0].message.content == "some text"


def test_a_blocking_client_serves_twenty_calls_at_once() -> None:
    with (
        ScriptedServer("ok", cycle=True, latency_s=0.05) as server,
        openai.OpenAI(base_url=server.base_url, api_key=KEY) as client,
        ThreadPoolExecutor(20) as pool,
    ):
        model = OpenAIChat("m", client=client)
        assert list(pool.map(lambda _: ask(model).text, range(20))) == ["ok"] * 20
        model.close()


def test_a_blocking_client_stops_at_once_and_its_faults_are_ours() -> None:
    before = set(threading.enumerate())
    heard = Heard()
    with (
        ScriptedServer([Fault.endless(), Fault.status(401), "fine"]) as server,
        openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client,
    ):
        model = OpenAIChat("m", client=client)
        cancel = Cancel()

        def stop() -> None:
            assert until(lambda: heard.pieces > 3)
            cancel.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(RunStopped):
            model.ask(question(), cancel, heard)
        stopper.join()
        assert until(lambda: server.connections == 0), "the call's thread lets go"
        with pytest.raises(ModelAuthError):
            ask(model)
        assert ask(model).text == "fine"
        model.close()
    assert until(lambda: set(threading.enumerate()) <= before)


def test_an_asynchronous_client_works_in_its_own_loop_before_and_after() -> None:
    async def use(client: openai.AsyncOpenAI) -> list[str | None]:
        texts = [await ask_directly(client)]
        model = OpenAIChat("m", client=client)
        texts.append((await asyncio.to_thread(ask, model)).text)
        model.close()
        texts.append(await ask_directly(client))
        await client.close()
        return texts

    with ScriptedServer("ok", cycle=True, api_key=KEY) as server:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, default_headers={"X-Mine": "1"})
        assert asyncio.run(use(client)) == ["ok"] * 3
        assert [received.headers.get("x-mine") for received in server.requests] == ["1"] * 3


def test_an_http_client_of_ones_own_is_used_as_it_is() -> None:
    library = http_library()

    def answer(request: Any) -> Any:
        body = {"choices": [{"message": {"content": "through my transport"}, "finish_reason": "stop"}], "model": "m2"}
        return library.Response(200, json={**body, "usage": {"prompt_tokens": 10**6, "completion_tokens": 10**6}})

    http_client = library.AsyncClient(transport=library.MockTransport(answer))
    model = OpenAIChat("gpt-4o-mini", client=openai.AsyncOpenAI(api_key=KEY, http_client=http_client))
    try:
        reply = ask(model)
        assert (reply.text, reply.model) == ("through my transport", "m2")
        assert reply.usage.cost_usd == pytest.approx(0.75)
    finally:
        model.close()
    asyncio.run(http_client.aclose())


def test_an_http_client_of_ones_own_leaves_no_connection_on_our_loop() -> None:
    with ScriptedServer("ok", cycle=True) as server:
        http_client = http_library().AsyncClient(timeout=30)
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, http_client=http_client)
        for _ in range(2):
            model = OpenAIChat("m", client=client)
            assert ask(model).text == ask(model, Heard()).text == "ok"
            assert server.connections == 1
            model.close()
            assert until(lambda: server.connections == 0)

        async def use() -> str | None:
            text = await ask_directly(client)
            await client.close()
            return text

        assert asyncio.run(use()) == "ok"


def test_a_blocking_client_names_what_the_endpoint_offers() -> None:
    with (
        ScriptedServer(models=["good-1"], known_models_only=True) as server,
        openai.OpenAI(base_url=server.base_url, api_key=KEY) as client,
    ):
        model = OpenAIChat("m", client=client)
        failure_of(model, ModelNotFoundError, "it offers good-1")
        model.close()


@pytest.mark.parametrize("blocking", [True, False])
def test_azures_clients_find_their_deployment(blocking: bool) -> None:
    with ScriptedServer("ok", cycle=True) as server:
        settings: dict[str, Any] = {
            "azure_endpoint": server.base_url.removesuffix("/v1"),
            "api_key": KEY,
            "api_version": "2024-10-21",
        }
        client = openai.AzureOpenAI(**settings) if blocking else openai.AsyncAzureOpenAI(**settings)
        model = OpenAIChat("my-deployment", client=client)
        try:
            assert ask(model).text == ask(model, Heard()).text == "ok"
        finally:
            model.close()
            if isinstance(client, openai.OpenAI):
                client.close()
        assert {received.path for received in server.requests} == {"/openai/deployments/my-deployment/chat/completions"}
        assert server.requests[0].headers["api-key"] == KEY


def test_a_client_excludes_what_it_brings() -> None:
    with (
        openai.OpenAI(base_url="http://localhost:9/v1", api_key=KEY) as client,
        pytest.raises(ConfigError, match="either the client or those"),
    ):
        OpenAIChat("m", "http://localhost:9/v1", client=client)


def test_a_closed_client_is_told_as_a_failure() -> None:
    with ScriptedServer("ok") as server:
        client = openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0)
        client.close()
        model = OpenAIChat("m", client=client)
        try:
            with pytest.raises(ModelError):
                ask(model)
        finally:
            model.close()
