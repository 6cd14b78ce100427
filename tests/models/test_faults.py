from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from minrlm_nb.core.ports import Cancel
from minrlm_nb.core.records import ModelReply
from minrlm_nb.errors import (
    ContextLengthError,
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelNotFoundError,
    ModelRateLimitError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from minrlm_nb.models.openai_chat import OpenAIChat
from minrlm_nb.testing import Fault, ScriptedServer

from .asking import KEY, Heard, ask, failure_of, question, talking_to, until

STREAMED_OR_WHOLE = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def heard_if(stream: bool) -> Heard | None:
    return Heard() if stream else None


@STREAMED_OR_WHOLE
@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_fault_that_passes_is_retried_and_noticed(code: int, stream: bool) -> None:
    with ScriptedServer([Fault.status(code, retry_after=0.01), "fine"]) as server, talking_to(server) as model:
        assert ask(model, heard_if(stream)).text == "fine"
        notices = model.notices()
        assert any(f"answered {code} and asks to wait 0.01 s" in notice for notice in notices)
        assert any("was asked 2 times" in notice for notice in notices)
        assert model.notices() == []


@STREAMED_OR_WHOLE
@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (401, ModelAuthError, "refused the key"),
        (402, ModelRateLimitError, "limits the rate"),
        (403, ModelAuthError, "refused the key"),
        (404, ModelNotFoundError, "does not know the model 'scripted'"),
        (409, ModelRequestError, "refused the request with status 409 after 2 attempts"),
        (418, ModelRequestError, "refused the request with status 418"),
        (422, ModelRequestError, "refused the request with status 422"),
        (429, ModelRateLimitError, "still limits the rate after 2 attempts and asks to wait 0.01 s"),
        (500, ModelServerError, "failed with status 500 after 2 attempts"),
        (502, ModelServerError, "failed with status 502"),
    ],
)
def test_a_fault_that_stays_is_one_of_ours(code: int, kind: type[ModelError], told: str, stream: bool) -> None:
    replies = [Fault.status(code, retry_after=0.01)]
    with ScriptedServer(replies, cycle=True) as server, talking_to(server, max_retries=1) as model:
        error = failure_of(model, kind, told, heard_if(stream))
        if kind is not ModelNotFoundError:
            assert f"scripted status {code}" in str(error)


def test_a_quota_that_is_used_up_says_so() -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    with ScriptedServer([Fault.status(429, body=body)]) as server, talking_to(server, max_retries=0) as model:
        failure_of(model, ModelRateLimitError, r"out of quota.*add credit")


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens.", "param": "max_tokens"}}),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded", "param": "messages"}}),
        (400, {"object": "error", "message": "the request exceeds the available context size", "code": 400}),
        (413, {"error": {"message": "prompt is too long: 210000 tokens"}}),
    ],
)
def test_messages_over_the_context_window_are_recognised(code: int, body: dict[str, Any]) -> None:
    with ScriptedServer([Fault.status(code, body=body)]) as server, talking_to(server) as model:
        failure_of(model, ContextLengthError, "too long for scripted", max_output_tokens=100)
        assert len(server.requests) == 1


def test_an_unknown_model_is_told_with_what_there_is() -> None:
    with ScriptedServer(models=["good-1", "good-2"], known_models_only=True) as server, talking_to(server) as model:
        error = failure_of(model, ModelNotFoundError, r"'scripted'.*offers good-1, good-2")
        assert vars(error)["offered"] == ["good-1", "good-2"]


@STREAMED_OR_WHOLE
def test_a_wrong_key_is_told_without_any_part_of_it(stream: bool) -> None:
    with ScriptedServer(["ok"], api_key="sk-another-0000000000") as server, talking_to(server) as model:
        error = failure_of(model, ModelAuthError, "refused the key", heard_if(stream))
        shown = f"{error!r} {model.notices()} {vars(error)}"
        assert not any(KEY[start : start + 4] in shown for start in range(3, len(KEY) - 3))


def test_a_stream_cut_after_some_text_is_kept() -> None:
    with ScriptedServer([Fault.cut_stream(9, "print(1) # and more")]) as server, talking_to(server) as model:
        reply = ask(model, Heard())
        assert (reply.text, reply.finish_reason) == ("print(1) ", "cut")
        assert reply.usage.estimated
        assert any("broke off" in notice for notice in model.notices())


def test_a_connection_cut_in_mid_chunk_keeps_the_text_too() -> None:
    fault = Fault.cut_stream(9, "print(1) # and more", clean=False)
    with ScriptedServer([fault]) as server, talking_to(server) as model:
        reply = ask(model, Heard())
        assert (reply.text, reply.finish_reason) == ("print(1) ", "cut")


@STREAMED_OR_WHOLE
def test_a_reply_cut_before_any_text_is_asked_for_once_more(stream: bool) -> None:
    with ScriptedServer([Fault.cut_stream(0, clean=False), "fine"]) as server, talking_to(server) as model:
        assert ask(model, heard_if(stream)).text == "fine"
        assert any("asked again" in notice for notice in model.notices())


@STREAMED_OR_WHOLE
def test_replies_always_cut_before_any_text_are_a_broken_connection(stream: bool) -> None:
    with ScriptedServer([Fault.cut_stream(0)], cycle=True) as server, talking_to(server) as model:
        with pytest.raises(ModelConnectionError):
            ask(model, heard_if(stream))
        assert len(server.requests) == 2


@STREAMED_OR_WHOLE
def test_an_empty_reply_is_asked_for_once_more(stream: bool) -> None:
    with ScriptedServer([Fault.empty(), "fine"]) as server, talking_to(server) as model:
        assert ask(model, heard_if(stream)).text == "fine"


@STREAMED_OR_WHOLE
def test_two_empty_replies_are_an_error(stream: bool) -> None:
    with ScriptedServer([Fault.empty()], cycle=True) as server, talking_to(server) as model:
        failure_of(model, ModelReplyError, "empty reply", heard_if(stream))
        assert len(server.requests) == 2


@STREAMED_OR_WHOLE
def test_output_tokens_spent_on_reasoning_alone_say_what_to_raise(stream: bool) -> None:
    spoken = ModelReply("", "hm, let me think", finish_reason="length")
    with ScriptedServer([spoken]) as server, talking_to(server) as model:
        failure_of(model, ModelReplyError, "raise max_output_tokens", heard_if(stream), max_output_tokens=20)
        assert len(server.requests) == 1


@STREAMED_OR_WHOLE
@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("<html><body>Welcome to the proxy</body></html>", "text/html"),
        ("<html>Welcome to the proxy", "text/event-stream"),
        ("data: {Welcome to the proxy\n\n", "text/event-stream"),
        ('"Welcome to the proxy"', "application/json"),
        ('{"detail": "Welcome to the proxy"}', "application/json"),
    ],
)
def test_garbage_is_told_with_an_excerpt(text: str, content_type: str, stream: bool) -> None:
    fault = Fault.garbage(text, content_type)
    with ScriptedServer([fault], cycle=True) as server, talking_to(server) as model:
        failure_of(
            model, ModelReplyError, r"can't be understood.*Welcome to the proxy.*OpenAI protocol", heard_if(stream)
        )
        assert len(server.requests) == 2


def test_garbage_that_repeats_the_key_is_shown_without_it() -> None:
    fault = Fault.garbage(f"<p>Authorization: Bearer {KEY} and key={KEY}</p>")
    with ScriptedServer([fault], cycle=True) as server, talking_to(server) as model:
        error = failure_of(model, ModelReplyError, r"\[key\]")
        assert KEY not in f"{error!r} {model.notices()}"


@STREAMED_OR_WHOLE
@pytest.mark.parametrize("form", ["{}", "data: {}\n\n"], ids=["JSON", "event"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [('{"message": "overloaded", "code": 429}', ModelRateLimitError), ('"overloaded"', ModelServerError)],
)
def test_an_error_inside_a_good_status_is_an_error(error: str, kind: type[ModelError], form: str, stream: bool) -> None:
    body = form.replace("{}", f'{{"error": {error}}}')
    fault = Fault.garbage(body, "text/event-stream" if body.startswith("data") else "application/json")
    with ScriptedServer([fault]) as server, talking_to(server) as model:
        failure_of(model, kind, "overloaded", heard_if(stream))


def test_a_stream_that_stalls_after_some_text_is_kept() -> None:
    with ScriptedServer([Fault.stall(8, "print(1) # more")]) as server, talking_to(server, idle_s=0.1) as model:
        reply = ask(model, Heard())
        assert (reply.text, reply.finish_reason) == ("print(1)", "cut")
        assert any("silence for 0.1 s" in notice for notice in model.notices())
        assert until(lambda: server.connections == 0)


def test_a_stream_that_stalls_after_reasoning_alone_is_asked_for_once_more() -> None:
    thought = "hm, let me think"
    with ScriptedServer([Fault.stall(0, reasoning=thought), "fine"]) as server, talking_to(server, idle_s=0.1) as model:
        heard = Heard()
        assert ask(model, heard).text == "fine"
        assert heard.reasoning == thought
        assert any("asked again: no text came" in notice for notice in model.notices())


def test_a_deadline_ends_a_stream_that_never_pauses() -> None:
    def slowly(text: str, is_reasoning: bool) -> None:
        time.sleep(0.01)

    with ScriptedServer([Fault.endless()]) as server, talking_to(server, max_reply_chars=10**9) as model:
        started = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            model.ask(question(timeout_s=0.3), Cancel(), slowly)
        assert time.monotonic() - started < 20


@STREAMED_OR_WHOLE
@pytest.mark.parametrize("fault", [Fault.silence(), Fault.stall(0)], ids=["silence", "stall"])
def test_a_call_without_an_end_stops_at_its_deadline(fault: Fault, stream: bool) -> None:
    with ScriptedServer([fault, "fine"], cycle=True) as server, talking_to(server, idle_s=30) as model:
        failure_of(
            model, ModelTimeoutError, r"scripted gave no complete reply within 0.2 s", heard_if(stream), timeout_s=0.2
        )
        assert ask(model, timeout_s=5).text == "fine"


def test_the_deadline_holds_while_the_sdk_waits_to_retry() -> None:
    with ScriptedServer([Fault.status(429, retry_after=30)]) as server, talking_to(server) as model:
        started = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            ask(model, timeout_s=0.3)
        assert time.monotonic() - started < 5
        assert any("answered 429 and asks to wait 30 s" in notice for notice in model.notices())


def test_an_endless_stream_is_cut_by_length() -> None:
    with ScriptedServer([Fault.endless(), "fine"]) as server, talking_to(server, max_reply_chars=50_000) as model:
        reply = ask(model, Heard())
        assert len(reply.text) == 50_000
        assert reply.finish_reason == "length"
        assert any("cut at 50,000 characters" in notice for notice in model.notices())
        assert until(lambda: server.connections == 0)
        assert ask(model).text == "fine"


def test_an_endless_body_that_is_no_stream_is_given_up() -> None:
    with ScriptedServer([Fault.endless(), "fine"]) as server, talking_to(server, max_reply_chars=50_000) as model:
        failure_of(model, ModelReplyError, "more than 400,000 bytes")
        assert len(server.requests) == 1
        assert ask(model).text == "fine"


def test_an_endless_line_is_given_up() -> None:
    fault = Fault.garbage("data: " + "x" * 500_000, "text/event-stream")
    with ScriptedServer([fault], cycle=True) as server, talking_to(server, max_reply_chars=50_000) as model:
        failure_of(model, ModelReplyError, "a line of more than 400,000 bytes", Heard())


@STREAMED_OR_WHOLE
def test_a_reply_of_five_megabytes_is_cut_at_the_cap(stream: bool) -> None:
    with ScriptedServer([Fault.reply_of(5_000_000), "fine"]) as server, talking_to(server) as model:
        heard = heard_if(stream)
        reply = ask(model, heard)
        assert len(reply.text) == 2_000_000
        assert reply.finish_reason == "length"
        assert heard is None or heard.text == reply.text
        assert ask(model).text == "fine"


@STREAMED_OR_WHOLE
def test_a_connection_closed_without_an_answer_is_retried(stream: bool) -> None:
    with ScriptedServer([Fault.disconnect(), "fine"]) as server, talking_to(server) as model:
        assert ask(model, heard_if(stream)).text == "fine"


def test_a_connection_always_closed_without_an_answer_is_ours() -> None:
    with ScriptedServer([Fault.disconnect()], cycle=True) as server, talking_to(server, max_retries=1) as model:
        failure_of(model, ModelConnectionError, r"the connection to .* broke after 2 attempts")


def test_a_refused_connection_asks_whether_the_server_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    model = OpenAIChat("m", f"http://127.0.0.1:{port}/v1", max_retries=0)
    try:
        with pytest.raises(ModelConnectionError, match=rf"127\.0\.0\.1:{port}/v1; is the server running\?"):
            ask(model)
    finally:
        model.close()


def test_a_host_that_does_not_exist_is_named() -> None:
    model = OpenAIChat("m", "http://no-such-host.invalid/v1", max_retries=0)
    try:
        failure_of(model, ModelConnectionError, r"the host of http://no-such-host\.invalid/v1 was not found")
    finally:
        model.close()


def test_after_every_fault_the_next_question_is_answered() -> None:
    faults = [
        Fault.status(418),
        Fault.cut_stream(3, clean=False),
        Fault.garbage(),
        Fault.garbage(),
        Fault.disconnect(),
        Fault.stall(4),
        Fault.empty(),
        Fault.empty(),
    ]
    outcomes = []
    with ScriptedServer([*faults, "42"]) as server, talking_to(server, max_retries=0, idle_s=0.05) as model:
        while len(server.requests) <= len(faults):
            try:
                outcomes.append(ask(model, Heard()).text)
            except ModelError as error:
                outcomes.append(type(error).__name__)
    assert outcomes[-1] == "42"
    assert "ModelReplyError" in outcomes
