"""The script behind a scripted model: which reply comes next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..core.records import ModelReply, ModelRequest
from ..errors import ModelReplyError
from .fault import Fault

Reply: TypeAlias = str | ModelReply | Fault | Exception
Scripted: TypeAlias = Reply | Callable[[ModelRequest], Reply]


class Script:
    """Replies, one after another; safe to ask from many threads.

    Parameters
    ----------
    replies
        Each a text, a `ModelReply`, a `Fault` (server only), an exception to raise (model only), or a function of
        the request that returns one of these. A single function answers every request.
    answer_sub_calls
        Answers the sub-calls (see `is_sub_call`), so that ``replies`` holds the steps alone. None: ``replies`` answer
        everything in the order it comes.
    cycle
        Begin anew after the last reply.
    """

    def __init__(
        self,
        replies: str | Sequence[Scripted] | Callable[[ModelRequest], Reply],
        answer_sub_calls: Scripted | None = None,
        cycle: bool = False,
    ) -> None:
        self._every = replies if callable(replies) else None
        self._replies: Sequence[Scripted] = (
            () if callable(replies) else [replies] if isinstance(replies, str) else list(replies)
        )
        self._answer_sub_calls = answer_sub_calls
        self._cycle = cycle
        self._lock = threading.Lock()
        self._given = 0

    @property
    def left(self) -> int:
        """Replies not given yet; 0 for a script that never ends."""
        return 0 if self._cycle else len(self._replies) - self._given

    def next(self, request: ModelRequest) -> Reply:
        """The reply to this request.

        Raises
        ------
        ModelReplyError
            If every reply was given already.
        """
        if self._answer_sub_calls is not None and is_sub_call(request):
            return _spoken(self._answer_sub_calls, request)
        if self._every is not None:
            return self._every(request)
        with self._lock:
            position = self._given % max(1, len(self._replies)) if self._cycle else self._given
            if position >= len(self._replies):
                raise ModelReplyError(
                    f"the script has {len(self._replies)} replies and was asked for one more; add a reply or set cycle"
                )
            self._given += 1
        return _spoken(self._replies[position], request)


def is_sub_call(request: ModelRequest) -> bool:
    """Whether a request comes from ``sub_llm`` in a cell: those carry no system message, the steps do."""
    return all(message.role != "system" for message in request.messages)


def _spoken(scripted: Scripted, request: ModelRequest) -> Reply:
    return scripted(request) if callable(scripted) else scripted
