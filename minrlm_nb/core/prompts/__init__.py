"""The texts a model is given, by prompt profile; versioned, static text first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..ports import PromptProfile
from ..records import CellResult, Message
from .small import SmallView


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


def style_for(profile: PromptProfile) -> PromptStyle:
    """The wording for a prompt profile."""
    from . import frontier, small

    return small.SmallStyle() if profile == "small" else frontier.FrontierStyle()
