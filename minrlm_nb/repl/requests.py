"""Checks what a cell sends over the call channel, before anything acts on it."""

from __future__ import annotations

from typing import Any, cast

from ..wire import CallReply, CallRequest, FailureKind, Reads, WireError

READS: tuple[str, ...] = tuple(Reads.__annotations__)
"""The counters of `Reads`."""

_MOST_CHOICES = 10_000
_LARGEST_ID = 2**53
_LARGEST_COUNT = 2**53


class BadRequest(ValueError):  # noqa: N818  (answered, never raised to a caller)
    """A request that has an id to answer to, but asks for something it can't have."""


def request_id(raw: dict[str, Any]) -> int:
    """The id to answer to.

    Raises
    ------
    WireError
        If there is none: such a request can't be answered, and its sender waits for ever.
    """
    number = raw.get("id")
    if type(number) is not int or not 0 <= number <= _LARGEST_ID:
        raise WireError("a call has no usable id")
    return number


def checked(raw: dict[str, Any]) -> CallRequest:
    """The request with exactly the fields its operation has, each of the right type.

    Raises
    ------
    BadRequest
        Says what is wrong, in words the calling code can use.
    """
    op = raw.get("op")
    if op in ("sub_llm", "rlm"):
        request = CallRequest(id=request_id(raw), op=op, task=_text(raw, "task"), context=_text(raw, "context"))
        request["choices"] = _choices(raw.get("choices"))
    elif op == "final":
        answer = raw.get("answer")
        if not isinstance(answer, dict) or "value" not in answer or not isinstance(answer.get("note", ""), str):
            raise BadRequest("answer must be an object with a value and a note")
        request = CallRequest(id=request_id(raw), op="final")
        request["answer"] = {"value": answer["value"], "note": answer.get("note", "")}
    else:
        raise BadRequest(f"there is no call named {str(op)[:50]!r}")
    if "reads" in raw:
        request["reads"] = checked_reads(raw["reads"])
    return request


def checked_reads(raw: object) -> Reads:
    """The counters, each a whole number from 0.

    Raises
    ------
    BadRequest
        If one is missing or something else.
    """
    if not isinstance(raw, dict) or not all(_is_count(raw.get(name)) for name in READS):
        raise BadRequest(f"reads must hold whole numbers for {', '.join(READS)}")
    return cast(Reads, {name: raw[name] for name in READS})


def refusal(number: int, kind: FailureKind, why: str) -> CallReply:
    """A reply that says no."""
    return {"id": number, "ok": False, "kind": kind, "error": why}


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_COUNT


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text, not {type(value).__name__}")
    return value


def _choices(value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(choice, str) for choice in value):
        raise BadRequest("choices must be a list of text")
    if len(value) > _MOST_CHOICES:
        raise BadRequest(f"{len(value):,} choices are over the limit of {_MOST_CHOICES:,}")
    return value
