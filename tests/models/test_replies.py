from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.core.records import Message, Usage
from minrlm_nb.core.tokens import estimate_usage
from minrlm_nb.models.replies import ErrorInReplyError, EventReader, NotAReplyError, ReplyBuilder
from minrlm_nb.models.usage import read_usage


def chunk(delta: dict[str, Any], finish: str | None = None, **extra: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **extra}


def read(body: bytes, cuts: list[int]) -> tuple[str, str, bool]:
    """Feed a body in pieces; text, finish reason, and whether [DONE] came."""
    reader, reply = EventReader(1_000_000), ReplyBuilder(None, 1_000_000)
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    for start, end in itertools.pairwise(places):
        for event in reader.feed(body[start:end]):
            reply.add(event)
    for event in reader.finish():
        reply.add(event)
    return reply.text, reply.finish_reason, reader.done


@given(
    st.lists(st.text(max_size=20), max_size=10),
    st.lists(st.integers(0, 3000), max_size=20),
    st.sampled_from(["\n\n", "\r\n\r\n"]),
    st.booleans(),
)
def test_a_stream_reads_the_same_however_it_is_cut(
    pieces: list[str], cuts: list[int], end: str, ascii_only: bool
) -> None:
    events = [chunk({"content": piece}) for piece in pieces] + [chunk({}, "stop")]
    lines = [": comment", *(f"data: {json.dumps(event, ensure_ascii=ascii_only)}" for event in events), "data: [DONE]"]
    body = end.join(lines).encode(errors="surrogatepass")
    assert read(body, cuts) == ("".join(pieces), "stop", True)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_a_hostile_body_is_read_or_is_not_a_reply(body: bytes, cuts: list[int]) -> None:
    try:
        read(body, cuts)
    except (NotAReplyError, ErrorInReplyError):
        return


FIELDS = ["choices", "delta", "message", "content", "usage", "index", "finish_reason", "error", "text", "thinking"]
FIELDS += ["reasoning", "model", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_a_reply_or_is_not(value: Any) -> None:
    reply = ReplyBuilder(None, 100)
    try:
        reply.add(value)
    except (NotAReplyError, ErrorInReplyError):
        return
    assert isinstance(reply.text, str)
    assert isinstance(reply.finish_reason, str)
    assert isinstance(reply.model, str)


def test_parts_of_a_content_list_are_text_and_reasoning() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "42"}]
    reply = ReplyBuilder(None, 100)
    reply.add({"choices": [{"message": {"content": content}, "finish_reason": "end_turn"}]})
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("42", "hm", "stop")


def test_reasoning_sent_under_two_names_counts_once() -> None:
    reply = ReplyBuilder(None, 100)
    reply.add(chunk({"reasoning": "hm", "reasoning_content": "hm"}))
    assert reply.reasoning == "hm"


def test_a_refusal_is_the_text_when_there_is_no_other() -> None:
    reply = ReplyBuilder(None, 100)
    reply.add({"choices": [{"message": {"content": None, "refusal": "I can't."}, "finish_reason": "stop"}]})
    assert reply.text == "I can't."


def test_a_second_choice_is_not_mixed_in() -> None:
    reply = ReplyBuilder(None, 100)
    reply.add(
        {"choices": [{"index": 1, "message": {"content": "other"}}, {"index": 0, "message": {"content": "this"}}]}
    )
    assert reply.text == "this"


@pytest.mark.parametrize(
    ("figures", "usage"),
    [
        (
            {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(9, 3, 4, None),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_cache_hit_tokens": 4}, Usage(9, 3, 4, None)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "cache_read_input_tokens": 4}, Usage(9, 3, 4, None)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "cached_tokens": 40}, Usage(9, 3, 9, None)),
        ({"prompt_tokens": 9, "completion_tokens": None, "prompt_tokens_details": None}, Usage(9, 0, 0, None)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": "many"}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage_is_read_in_every_vendors_shape(figures: object, usage: Usage | None) -> None:
    assert read_usage(figures) == usage


def test_groqs_usage_is_found_where_groq_puts_it() -> None:
    reply = ReplyBuilder(None, 100)
    reply.add(chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 5, "completion_tokens": 2}}))
    assert reply.usage == Usage(5, 2, cost_usd=None)


def test_estimates_are_four_characters_a_token() -> None:
    usage = estimate_usage([Message("system", "s" * 40), Message("user", "u" * 41)], "r" * 8)
    assert usage == Usage(10 + 4 + 11 + 4, 2, cost_usd=None, estimated=True)
