from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import openai
import pytest

from minrlm_nb.core.ports import Cancel, PromptProfile
from minrlm_nb.errors import ConfigError, NoModelError
from minrlm_nb.models import local
from minrlm_nb.models.discovery import LOCAL_SERVERS, LocalServer, find_local_servers
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.models.resolve import DEFAULT_MODEL, Resolution, profile_of, resolve
from minrlm_nb.testing import ScriptedModel, ScriptedServer

from .asking import KEY, question

OLLAMA = LocalServer("Ollama", "http://127.0.0.1:11434/v1", ("qwen2.5-coder:3b", "llama3.3:latest"))
VLLM = LocalServer("vLLM", "http://127.0.0.1:8000/v1", ("gpt-oss-20b",))

Resolver = Callable[..., tuple[str, str, str, str]]


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Resolve without looking at this machine; gives name, base URL, key and source."""
    opened: list[Resolution] = []
    monkeypatch.setattr(local, "installed", list)

    def run(
        *arguments: Any, env: Mapping[str, str] | None = None, servers: tuple[LocalServer, ...] = (), **settings: Any
    ) -> tuple[str, str, str, str]:
        resolution = resolve(*arguments, environ=env or {}, find_servers=lambda: list(servers), **settings)
        opened.append(resolution)
        model = resolution.model
        if not isinstance(model, OpenAIChat):
            return model.name, "", "", resolution.source
        endpoint = model._endpoint
        return endpoint.model, endpoint.base_url, endpoint.secrets[0], resolution.source

    yield run
    for resolution in opened:
        resolution.model.close()


OPENAI = "https://api.openai.com/v1"
MINE = "http://mine.example/v1"
THEIRS = "http://theirs.example/v1"


@pytest.mark.parametrize(
    ("arguments", "env", "expected"),
    [
        (("m", MINE, "k"), {}, ("m", MINE, "k", "base_url")),
        (("m", MINE), {}, ("m", MINE, "none", "base_url")),
        (("m", None, "k"), {}, ("m", OPENAI, "k", "api_key")),
        ((), {"OPENAI_API_KEY": "ok"}, (DEFAULT_MODEL, OPENAI, "ok", "OPENAI_API_KEY")),
        (("m",), {"OPENAI_API_KEY": "ok"}, ("m", OPENAI, "ok", "OPENAI_API_KEY")),
        ((), {"OPENAI_API_KEY": "ok", "OPENAI_MODEL": "om"}, ("om", OPENAI, "ok", "OPENAI_API_KEY")),
        (
            (),
            {"OPENAI_API_KEY": "ok", "OPENAI_BASE_URL": THEIRS, "OPENAI_MODEL": "om"},
            ("om", THEIRS, "ok", "OPENAI_BASE_URL"),
        ),
        (
            (),
            {"MINRLM_MODEL": "mm", "OPENAI_API_KEY": "ok"},
            ("mm", OPENAI, "ok", "OPENAI_API_KEY and MINRLM_MODEL"),
        ),
        (
            (),
            {"MINRLM_MODEL": "mm", "MINRLM_BASE_URL": MINE, "MINRLM_API_KEY": "mk", "OPENAI_API_KEY": "ok"},
            ("mm", MINE, "mk", "MINRLM_BASE_URL and MINRLM_MODEL"),
        ),
        (
            ("m",),
            {"MINRLM_MODEL": "mm", "MINRLM_BASE_URL": MINE, "MINRLM_API_KEY": "mk"},
            ("m", MINE, "mk", "MINRLM_BASE_URL"),
        ),
        (("m",), {"MINRLM_API_KEY": "mk", "OPENAI_API_KEY": "ok"}, ("m", OPENAI, "mk", "MINRLM_API_KEY")),
        (("m", None, "k"), {"MINRLM_BASE_URL": MINE}, ("m", MINE, "k", "api_key")),
        (("m",), {"OPENAI_API_KEY": "  ", "MINRLM_BASE_URL": MINE}, ("m", MINE, "none", "MINRLM_BASE_URL")),
    ],
)
def test_the_endpoint_is_the_first_that_is_named(
    resolved: Resolver, arguments: tuple[Any, ...], env: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    assert resolved(*arguments, env=env, servers=(OLLAMA,)) == expected


@pytest.mark.parametrize(
    ("base_url", "env", "key"),
    [
        ("http://elsewhere.example/v1", {"OPENAI_API_KEY": "ok", "MINRLM_API_KEY": "mk"}, "none"),
        ("http://elsewhere.example/v1", {"MINRLM_API_KEY": "mk", "MINRLM_BASE_URL": MINE}, "none"),
        ("http://localhost:11434/v1", {"OPENAI_API_KEY": "ok"}, "none"),
        (OPENAI, {"OPENAI_API_KEY": "ok"}, "ok"),
        ("http://mine.example/other/v2", {"MINRLM_API_KEY": "mk", "MINRLM_BASE_URL": MINE}, "mk"),
        (THEIRS, {"OPENAI_API_KEY": "ok", "OPENAI_BASE_URL": THEIRS}, "ok"),
        (OPENAI, {"OPENAI_API_KEY": "ok", "OPENAI_BASE_URL": THEIRS}, "none"),
    ],
)
def test_a_key_of_the_environment_goes_to_its_own_host_only(
    resolved: Resolver, base_url: str, env: dict[str, str], key: str
) -> None:
    assert resolved("m", base_url, env=env)[2] == key


def test_a_key_of_openai_is_not_sent_to_an_endpoint_of_ours(resolved: Resolver) -> None:
    env = {"MINRLM_BASE_URL": MINE, "OPENAI_API_KEY": "ok"}
    assert resolved("m", env=env) == ("m", MINE, "none", "MINRLM_BASE_URL")


def test_a_server_on_this_machine_is_next(resolved: Resolver) -> None:
    assert resolved(servers=(OLLAMA, VLLM)) == ("qwen2.5-coder:3b", OLLAMA.base_url, "none", "Ollama")
    assert resolved("gpt-oss-20b", servers=(OLLAMA, VLLM)) == ("gpt-oss-20b", VLLM.base_url, "none", "vLLM")
    assert resolved("llama3.3", servers=(OLLAMA, VLLM))[0] == "llama3.3:latest"


def test_a_named_model_nobody_offers_is_told_with_what_there_is(resolved: Resolver) -> None:
    with pytest.raises(NoModelError, match=r"'gpt-5'.*Ollama offers qwen2\.5-coder:3b.*OPENAI_API_KEY"):
        resolved("gpt-5", servers=(OLLAMA,))
    with pytest.raises(NoModelError, match="no server answers on this machine"):
        resolved("gpt-5")


def test_the_embedded_model_is_last(resolved: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "installed", lambda: ["0.5b"])
    monkeypatch.setattr(local, "open_local", lambda name: ScriptedModel("x", name=f"embedded {name}"))
    assert resolved() == ("embedded local", "", "", "embedded")
    assert resolved(servers=(OLLAMA,))[3] == "Ollama"


@pytest.mark.parametrize(
    ("name", "env", "opened"),
    [
        ("local", {}, "local"),
        ("local:0.5b", {}, "local:0.5b"),
        (None, {"MINRLM_MODEL": "local:file"}, "local:file"),
    ],
)
def test_the_embedded_model_can_be_named(
    resolved: Resolver, monkeypatch: pytest.MonkeyPatch, name: str | None, env: dict[str, str], opened: str
) -> None:
    monkeypatch.setattr(local, "open_local", lambda name: ScriptedModel("x", name=f"embedded {name}"))
    assert resolved(name, env={**env, "OPENAI_API_KEY": "ok"})[0] == f"embedded {opened}"
    with pytest.raises(ConfigError, match="takes no base_url"):
        resolved(name, MINE, env=env)


def test_no_model_at_all_names_the_three_ways(resolved: Resolver) -> None:
    with pytest.raises(NoModelError, match=r"OPENAI_API_KEY.*Ollama.*minrlm-nb model get"):
        resolved()


def test_an_endpoint_elsewhere_needs_a_name(resolved: Resolver) -> None:
    with pytest.raises(ConfigError, match=r"http://mine\.example/v1 needs the name of a model"):
        resolved(None, MINE, env={"OPENAI_MODEL": "om"})


def test_a_url_that_is_none_is_told_without_repeating_it(resolved: Resolver) -> None:
    with pytest.raises(ConfigError, match="base_url must be a URL") as caught:
        resolved("m", "mine:pass-word@example/v1")
    assert "pass-word" not in str(caught.value)


def test_an_endpoint_on_this_machine_is_asked_for_its_model(resolved: Resolver) -> None:
    with ScriptedServer(models=["nomic-embed-text", "qwen2.5:7b"]) as server:
        assert resolved(None, server.base_url)[0] == "qwen2.5:7b"


def test_a_client_is_taken_with_its_settings(resolved: Resolver) -> None:
    with openai.OpenAI(base_url=MINE, api_key=KEY) as client:
        assert resolved("m", client=client) == ("m", MINE + "/", KEY, "client")
        with pytest.raises(ConfigError, match="either the client or those"):
            resolved("m", MINE, client=client)


def test_a_resolved_server_answers() -> None:
    with ScriptedServer(["hello"], models=["text-embed", "tiny:1b"]) as server:
        port = int(server.base_url.rpartition(":")[2].removesuffix("/v1"))
        resolution = resolve(environ={}, find_servers=partial(find_local_servers, [("Ollama", port)]))
        try:
            assert resolution.model.ask(question(), Cancel()).text == "hello"
            assert resolution.model.prompt_profile == "small"
            assert resolution.source == "Ollama"
        finally:
            resolution.model.close()


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINRLM_BASE_URL", MINE)
    monkeypatch.setenv("MINRLM_MODEL", "from-env")
    resolution = resolve()
    resolution.model.close()
    assert resolution.model.name == "from-env"


def test_whatever_else_listens_on_a_usual_port_is_no_model_server() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed_port = gone.getsockname()[1]
    with silent, ScriptedServer(models=["m1"]) as good, ScriptedServer(models=["bge-m3"]) as only_embeddings:
        ports = [
            ("silent", silent.getsockname()[1]),
            ("closed", closed_port),
            ("embeddings", _port(only_embeddings)),
            ("good", _port(good)),
        ]
        assert find_local_servers(ports) == [LocalServer("good", f"http://127.0.0.1:{_port(good)}/v1", ("m1",))]
    assert not [thread for thread in threading.enumerate() if thread.name == "find-server"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data": "m"}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"data": [{"id": 404}]}',
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
)
def test_answers_of_another_shape_are_no_model_server(answer: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with listener:
        thread = threading.Thread(target=serve)
        thread.start()
        assert find_local_servers([("odd", listener.getsockname()[1])]) == []
        thread.join()


def test_the_usual_ports_are_asked_in_a_fixed_order() -> None:
    assert [port for _, port in LOCAL_SERVERS] == [11434, 1234, 8080, 8000]


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("qwen2.5-coder:1.5b", "small"),
        ("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "small"),
        ("llama3.2:3b", "small"),
        ("gemma-3-4b-it", "small"),
        ("gemma3n:e4b", "small"),
        ("ministral-3b-latest", "small"),
        ("smollm2:360m", "small"),
        ("SmolLM2-1.7B-Instruct", "small"),
        ("llama3.3:70b", "frontier"),
        ("vicuna-13b", "frontier"),
        ("mixtral-8x7b", "frontier"),
        ("qwen3-30b-a3b", "frontier"),
        ("qwen2.5-7b-instruct-1m", "frontier"),
        ("gpt-4o-mini", "frontier"),
        ("gpt-6-luna", "frontier"),
        ("gpt-oss:20b", "frontier"),
        ("o3", "frontier"),
        ("deepseek-v3.1-4bit", "frontier"),
        ("claude-haiku-4-5", "frontier"),
    ],
)
def test_the_prompt_profile_is_read_from_the_size_in_the_name(name: str, profile: str) -> None:
    assert profile_of(name) == profile


def test_the_prompt_profile_can_be_chosen() -> None:
    wanted: PromptProfile
    for wanted in ("small", "frontier"):
        resolution = resolve("gpt-4o:3b", MINE, environ={}, prompt_profile=wanted)
        resolution.model.close()
        assert resolution.model.prompt_profile == wanted


def _port(server: ScriptedServer) -> int:
    return int(server.base_url.removesuffix("/v1").rpartition(":")[2])
