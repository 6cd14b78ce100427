"""Whether a value given to ``FINAL`` may stand, decided on the code that ran and on what the helpers recorded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any, Literal

from .records import Reads
from .source import parse_python

Objection = Literal["none", "blank", "empty", "placeholder", "unread"]

_PLACEHOLDERS = frozenset(
    {
        "unknown",
        "n/a",
        "not available",
        "i don't know",
        "i do not know",
        "cannot be determined",
        "cannot determine",
        "tbd",
        "todo",
        "placeholder",
        "your answer",
        "answer",
        "...",
        "?",
    }
)

EXPLANATIONS: dict[Objection, str] = {
    "none": "FINAL got None. Compute a value first, then call FINAL with it.",
    "blank": "FINAL got an empty text. Compute a value first, then call FINAL with it.",
    "empty": "FINAL got an empty value. Check that the code looked for the right thing; if nothing is the answer, "
    "call FINAL with it again.",
    "placeholder": "that is a placeholder, not an answer. Search once more with other words; if the data really does "
    "not say, call FINAL again.",
    "unread": "nothing of the input was read yet. Compute the answer from input_0, then call FINAL.",
}

ALWAYS: frozenset[Objection] = frozenset({"none", "blank"})
"""Objections that stand however often the model insists; the others are raised once a run."""


def objection(value: Any, codes: Iterable[str], reads: Reads, has_inputs: bool) -> Objection | None:
    """What speaks against an answer, or None.

    Parameters
    ----------
    value
        The answer as it came over the wire.
    codes
        The cells of the run so far, the one that called FINAL included.
    reads
        What the helpers saw of the inputs.
    has_inputs
        False for pure computation, where nothing needs to be read.
    """
    if value is None:
        return "none"
    if isinstance(value, str) and not value.strip():
        return "blank"
    if isinstance(value, (list, dict)) and not value:
        return "empty"
    if has_inputs and not _looked(reads) and not any(reads_input(code) for code in codes):
        return "unread"
    if has_inputs and isinstance(value, str) and value.strip().lower().rstrip(".") in _PLACEHOLDERS | {""}:
        return "placeholder" if reads.searches < 2 else None
    return None


def reads_input(code: str) -> bool:
    """Whether a cell uses ``input_0`` or another input by name."""
    tree = parse_python(code)
    if tree is None:  # cell magics and the like
        return re.search(r"\binput_\d+\b", code) is not None
    return any(isinstance(node, ast.Name) and re.fullmatch(r"input_\d+", node.id) for node in ast.walk(tree))


def _looked(reads: Reads) -> bool:
    return reads.searches + reads.peeks > 0
