"""A run in a few words: what trace, report and terminal all say of it."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from .records import Answer, RunRecord, StopReason, SubCall, Usage

UNBOXED: Final = "cells ran unboxed, with your rights"
SMALL_LOCAL: Final = "small local model: check the code"

_ENDINGS: Final[dict[StopReason, str]] = {
    "answered": "answered",
    "max_steps": "all steps used",
    "time": "time ran out",
    "tokens": "token limit reached",
    "cost": "cost limit reached",
    "sub_calls": "sub-call limit reached",
    "stopped": "stopped",
    "model_error": "model failed",
    "kernel_error": "REPL kernel failed",
}
_LABEL_CHARS: Final = 80


def facts(record: RunRecord) -> list[tuple[str, str]]:
    """Label and value of each fact about a run, as plain text, in the order to show them."""
    steps = f"{len(record.steps)} of {most}" if (most := record.config.get("max_steps")) else str(len(record.steps))
    calls = sum(len(step.sub_calls) for step in record.steps)
    told = [
        ("ended", ending(record)),
        ("model", record.model),
        ("isolation", isolation(record)),
        ("steps", steps),
        ("tokens", tokens(record.usage)),
        ("time", seconds(record.duration_s)),
    ]
    if calls:
        told.insert(4, ("sub-calls", f"{calls:,}"))
    if cost := dollars(record.usage):
        told.insert(-1, ("cost", cost))
    return told


def ending(record: RunRecord) -> str:
    """How the run ended; a run under way says so."""
    if record.stop_reason is None:
        return "under way"
    words = _ENDINGS[record.stop_reason]
    return f"{words}, with an answer" if record.answer is not None and record.stop_reason != "answered" else words


def isolation(record: RunRecord) -> str:
    """The isolation level, with a plain word for the one that isolates nothing."""
    return "none (unboxed)" if record.isolation == "none" else record.isolation


def warnings(record: RunRecord) -> list[str]:
    """What a person must know before trusting a run: no box, a small model."""
    told = []
    if record.isolation == "none":
        told.append(UNBOXED)
    if record.model.startswith("local:") or record.model == "local":
        told.append(SMALL_LOCAL)
    return told


def answer_text(answer: Answer, limit: int | None = None) -> str:
    """The answer for showing: strings as they are, lists and objects as indented JSON, at most ``limit`` characters.

    A value too long for that is cut, not refused; the whole is in the variable and in the trace's metadata.
    """
    text = answer.value if isinstance(answer.value, str) else _as_text(answer.value)
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}…\n(cut: {limit:,} of {len(text):,} characters)"


def _as_text(value: Any) -> str:
    try:
        if not isinstance(value, (dict, list)):
            return repr(value)
        compact = json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists in lists without end
        return f"({type(value).__name__} that can't be written as text)"
    if len(compact) <= _LABEL_CHARS:
        return compact
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=repr)
    except RecursionError:  # indenting needs more of the stack
        return compact


def tokens(usage: Usage) -> str:
    """``4,812 read, 523 written``, with a tilde when the figures are ours."""
    mark = "~" if usage.estimated else ""
    return f"{mark}{usage.prompt_tokens:,} read, {mark}{usage.completion_tokens:,} written"


def dollars(usage: Usage) -> str:
    """``$0.0021``; empty when no price is known or nothing was paid."""
    if not usage.cost_usd:
        return ""
    if usage.cost_usd < 0.0001:
        return "under $0.0001"
    return f"${usage.cost_usd:.2f}" if usage.cost_usd >= 1 else f"${usage.cost_usd:.4f}"


def seconds(duration_s: float) -> str:
    """``8 ms``, ``0.84 s``, ``12.3 s``, ``2 min 5 s``."""
    if not math.isfinite(duration_s):
        return "unknown time"
    if duration_s < 0.1:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 10:
        return f"{duration_s:.2f} s"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s"


def sub_calls(calls: tuple[SubCall, ...]) -> str:
    """``20 sub-calls, 4,812 tokens, 2 failed``."""
    failed = sum(bool(call.error) for call in calls)
    used = sum(call.usage.total_tokens for call in calls)
    words = [counted(len(calls), "sub-call"), f"{used:,} tokens"]
    if failed:
        words.append(f"{failed:,} failed")
    return ", ".join(words)


def counted(count: int, noun: str) -> str:
    """``1 step``, ``2,000 steps``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
