from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil

import openai
import pytest

from minrlm_nb.errors import (
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
)
from minrlm_nb.models import failures
from minrlm_nb.models.endpoint import Endpoint, is_loopback, is_private
from minrlm_nb.models.failures import Facts, explain

ENDPOINT = Endpoint(
    "some-model", "http://user:pass-word-99@host.example:8080/v1?token=tok-en-12345", ("sk-live-abcdef123456",)
)


def family(root: type[BaseException]) -> set[type[BaseException]]:
    return {root}.union(*(family(child) for child in root.__subclasses__()))


def test_every_exception_of_the_sdk_is_one_of_ours() -> None:
    for module in ("_exceptions", "lib.azure"):
        importlib.import_module(f"openai.{module}")
    found = {cls for cls in family(openai.OpenAIError) if cls.__module__.startswith("openai")}
    assert len(found) >= 14
    generic = {"OpenAIError", "APIError"}
    for cls in found:
        ancestry = [parent.__name__ for parent in cls.__mro__]
        mapped = next(name for name in ancestry if name in failures.OURS)
        assert mapped not in generic or cls.__name__ in generic or cls.__module__ != "openai._exceptions", (
            f"{cls.__name__} has no place of its own in failures.OURS"
        )


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_every_transport_exception_of_the_http_client_is_one_of_ours(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        return  # the SDK of this installation brings the other one
    module = importlib.import_module(library)
    for cls in family(module.RequestError):
        ancestry = [parent.__name__ for parent in cls.__mro__]
        kind = failures.OURS[next(name for name in ancestry if name in failures.OURS)]
        assert kind is (ModelTimeoutError if "TimeoutException" in ancestry else ModelConnectionError)


def test_only_one_module_imports_the_sdk() -> None:
    package = importlib.import_module("minrlm_nb.models")
    importers = []
    for info in pkgutil.iter_modules(package.__path__):
        source = inspect.getsource(importlib.import_module(f"minrlm_nb.models.{info.name}"))
        if "import openai" in source or "from openai" in source:
            importers.append(info.name)
    assert importers in (["openai_chat"], ["openai_chat", "resolve"])
    assert "openai" not in inspect.getsource(failures).split('"""')[2]


def test_every_failure_says_where_and_what_to_do_and_survives_pickling() -> None:
    for kind in {*failures.OURS.values(), ModelError, ModelRateLimitError, ModelServerError}:
        error = explain(Facts(kind, "it went wrong", 418, attempts=3), ENDPOINT)
        assert type(error) is kind
        assert "http://host.example:8080/v1" in str(error)
        assert ";" in str(error), "the remedy follows the fact"
        assert "pass-word-99" not in str(error)
        assert "tok-en" not in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.status) == (kind, str(error), 418)


@pytest.mark.parametrize(
    "said",
    [
        "Incorrect API key provided: sk-live-abcdef123456.",
        "Incorrect API key provided: sk-live-****3456. You can find",
        "Incorrect API key provided: ************3456",
        "header Authorization: Bearer sk-live-abcdef123456 is bad",
        "header 'Authorization: bearer abcdefgh' is bad",
        "token=live-abcdef123 is bad",
        "got gsk_AnotherKeyOfSomeone123 here",
        "got AIzaSyAnotherKeyOfSomeone123 here",
    ],
)
def test_keys_that_an_endpoint_echoes_are_taken_out(said: str) -> None:
    error = explain(Facts(ModelAuthError, said, 401), ENDPOINT)
    assert "[key]" in str(error)
    for part in ("abcdef", "3456", "AnotherKey", "abcdefgh"):
        assert part not in str(error)


def test_ordinary_words_stay_as_they_are() -> None:
    said = "skipping the tokenizer: risk-based task-specific limits (sk, hf) of 30,000 TPM"
    assert ENDPOINT.clean(said) == said


def test_foreign_texts_become_one_short_line_without_control_codes() -> None:
    cleaned = ENDPOINT.clean("a\n\n\tb\x1b[31mred\x00 " + "x" * 10_000_000)
    assert cleaned.startswith("a b[31mred x")
    assert len(cleaned) == 200


@pytest.mark.parametrize(
    ("url", "loopback", "private"),
    [
        ("http://localhost:1/v1", True, False),
        ("http://127.0.0.1/v1", True, True),
        ("http://127.9.9.9/v1", True, True),
        ("http://[::1]:80/v1", True, True),
        ("http://0.0.0.0:8000", True, True),
        ("http://10.1.2.3/v1", False, True),
        ("http://gpu-box:8000/v1", False, True),
        ("http://models.corp.internal/v1", False, True),
        ("https://api.openai.com/v1", False, False),
        ("https://localhost.example.com/v1", False, False),
    ],
)
def test_what_is_near_is_told_by_the_host(url: str, loopback: bool, private: bool) -> None:
    assert is_loopback(url) is loopback
    if not loopback:
        assert is_private(url) is private
