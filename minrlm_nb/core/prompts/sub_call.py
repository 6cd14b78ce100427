"""The prompt of a sub-call: one user message, no system message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..records import Message


def messages(task: str, context: str, choices: Sequence[str] | None) -> tuple[Message, ...]:
    """What a plain sub-call sends."""
    parts = [task.strip()]
    if choices:
        parts.append(_one_of(choices))
    if context:
        parts.append(f"Text:\n{context}")
    return (Message("user", "\n\n".join(parts)),)


def again(choices: Sequence[str]) -> str:
    """The reminder after a reply that is none of the choices."""
    return f"That is none of the choices. {_one_of(choices)}"


def pick(reply: str, choices: Sequence[str]) -> str | None:
    """The choice that a reply names, or None when it names none or several.

    A reply that is a choice but for case, quotes and punctuation wins; else the only choice that stands in it as a
    word of its own.
    """
    bare = _bare(reply)
    for choice in choices:
        if _bare(choice) == bare:
            return choice
    named = [c for c in choices if re.search(rf"(?<!\w){re.escape(c.lower())}(?!\w)", reply.lower())]
    longest = [c for c in named if not any(c != other and c.lower() in other.lower() for other in named)]
    return longest[0] if len(longest) == 1 else None


def _one_of(choices: Sequence[str]) -> str:
    return "Reply with exactly one of these and nothing else: " + " | ".join(choices)


def _bare(text: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", text).lower()
