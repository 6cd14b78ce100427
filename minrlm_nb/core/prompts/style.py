"""What every prompt profile is given and must be able to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..records import CellResult, Message


@dataclass(frozen=True)
class SmallView:
    """One input as a small model's prompt shows it.

    Parameters
    ----------
    name
        ``input_0`` and so on.
    head
        The start of the text.
    kind
        As sniffed: ``csv``, ``json``, ``jsonl``, ``log``, ``lines``, ``records``, ``markup``, ``markdown``, ``code``,
        ``prose`` or ``binary``.
    columns
        Names of the columns, for delimited data.
    size, lines
        Characters and lines of the whole text.
    """

    name: str
    head: str
    kind: str
    columns: tuple[str, ...] = ()
    size: int = 0
    lines: int = 0


@dataclass(frozen=True)
class Brief:
    """What the prompt may say of the inputs.

    Parameters
    ----------
    described
        The profiles as text; empty when there is no input.
    views
        The same for small models, in pieces.
    max_steps
        Replies the model has.
    """

    described: str = ""
    views: tuple[SmallView, ...] = field(default=())
    max_steps: int = 8


class PromptStyle(Protocol):
    """The wording of a run for one kind of model."""

    @property
    def version(self) -> str:
        """Name and number, for the trace."""

    def opening(self, task: str, brief: Brief) -> tuple[Message, ...]:
        """System and first user message."""

    def next_task(self, task: str, brief: Brief) -> Message:
        """The user message that adds a task to a conversation."""

    def after_cell(self, result: CellResult, warnings: Sequence[str]) -> str:
        """The user message after a cell that gave no answer."""

    def after_no_code(self) -> str:
        """The user message after a reply without code."""

    def last_turn(self, limit: str) -> str:
        """The demand to answer, once ``limit`` is reached."""
