"""The prompt for small models: short, with examples that fit the data and the code that reads it.

Such models do worse with long instructions, copy what they see, and repeat themselves when told of an error; so they
get few rules, values to copy, and one plain hint when a program failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..feedback import shorten
from ..records import CellResult, Message
from .small_examples import examples_for
from .small_view import show
from .style import Brief, SmallView

VERSION: Final = "small-1"

SYSTEM: Final = """\
Answer a question about a long text by writing one short Python program. The whole text is in the string variable \
input_0; you see only its start. re, csv, io, json, math, datetime, Counter and defaultdict are imported.
search(text, word) lists every place where word stands, as (match, before, after).
sub_llm(question, text) reads the passages of a text that fit the question, and answers it. It can't count.
FINAL(answer) gives the answer. It is the last line.
Reply with one ```python block only."""

HEAD_CHARS: Final = 600
"""Characters that are shown of all inputs together."""

MOST_OUTPUT_CHARS: Final = 1_200
MOST_ERROR_CHARS: Final = 300

NO_CODE: Final = "Reply with one ```python block that ends with FINAL(answer)."

_NO_MATCH: Final = "Nothing matched: compare the condition with the values shown; `in` finds a part of a text."
_HINTS: Final = (
    (r"index out of range|empty sequence|division by zero|at least one data point|FINAL got", _NO_MATCH),
    (r"^'\w+'$", "There is no such key: use those that are shown."),
    (r"NoneType", "Some values are None: write (row[key] or 0) there."),
    (r"to float: '[^']*\d", "Take the number out first: float(re.sub(r'[^0-9.]', '', value))."),
    (r"to float", "Skip the rows without a number there."),
    (r"'tuple'", "Write only one pair of parentheses into the pattern: around the number you want."),
    (r"string indices", "That is a dict, not a list: loop over its .items() or take a key."),
    (r"non-int of type 'str'", "The values are strings; use float(...)."),
)
"""What to do about errors that are seen often, by a pattern of their message; the first that fits is given."""


class SmallStyle:
    """A short system text, a few examples, then the data and the question."""

    version = VERSION

    def opening(self, task: str, brief: Brief) -> tuple[Message, ...]:
        """System message, examples, first user message."""
        examples = examples_for(brief.views[0] if brief.views else None)
        return Message("system", SYSTEM), *examples, _question(task, brief.views)

    def next_task(self, task: str, brief: Brief) -> Message:
        """The user message that adds a task to a conversation."""
        return _question(task, brief.views)

    def after_cell(self, result: CellResult, warnings: Sequence[str]) -> str:
        """The user message after a cell that gave no answer."""
        shown = "".join(output.text for output in result.outputs if output.kind != "error").strip()
        parts = [f"It printed:\n{shorten(shown, MOST_OUTPUT_CHARS)}"] if shown else []
        parts.extend(result.notices)
        if result.error is not None:
            where = f"Line {result.error.line} failed" if result.error.line else "The program failed"
            parts.append(f"{where}: {result.error.name}: {shorten(result.error.value, MOST_ERROR_CHARS)}")
            parts.extend([hint for pattern, hint in _HINTS if re.search(pattern, result.error.value)][:1])
            parts.append("Answer the same question with a corrected program. input_0 is there already.")
        else:
            parts.append("Now reply with a program that ends with FINAL(answer).")
        parts.extend(warnings)
        return "\n".join(parts)

    def after_no_code(self) -> str:
        """The user message after a reply without code."""
        return NO_CODE

    def last_turn(self, limit: str) -> str:
        """The demand to answer, once ``limit`` is reached."""
        return f"{limit[0].upper()}{limit[1:]}. Reply with one line of code that calls FINAL with the best answer."


def _question(task: str, views: Sequence[SmallView]) -> Message:
    parts = [show(view, HEAD_CHARS // len(views)) for view in views]
    return Message("user", "\n".join([*parts, f"Question: {task}"]))
