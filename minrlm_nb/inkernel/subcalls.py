"""``sub_llm``, ``sub_llm_batch`` and ``rlm``: asking a model from inside a cell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..wire import CallReply, CallRequest, Op
from .calls import CallChannel
from .reads import ReadLog
from .search import Hits


class SubCallFailedError(RuntimeError):
    """A sub-call failed or was refused; ``kind`` says why (`minrlm_nb.wire.FailureKind`)."""

    def __init__(self, message: str, kind: str = "model") -> None:
        super().__init__(message)
        self.kind = kind


class FailedReply(str):
    """Stands in a batch's list for a reply that could not be had; ``error`` says why."""

    error: str

    def __new__(cls, error: str) -> FailedReply:
        """Make the text that says so."""
        made = super().__new__(cls, f"[sub_llm failed: {error}]")
        made.error = error
        return made


def make_sub_calls(channel: Callable[[], CallChannel], reads: ReadLog) -> dict[str, Callable[..., Any]]:
    """Build the helpers ``sub_llm``, ``sub_llm_batch`` and ``rlm``.

    Parameters
    ----------
    channel
        Gives the channel to the driver as it is now.
    reads
        Where their use is counted.
    """

    def ask(requests: Sequence[CallRequest]) -> list[CallReply]:
        reads.sub_calls += len(requests)
        return channel().ask_all(requests)

    def sub_llm(task: str, context: Any = "", choices: Sequence[str] | None = None) -> str:
        """Ask a language model about a piece of text and wait for its reply.

        sub_llm("Summarise in one line.", input_0[:20_000])
        sub_llm("Is the tone friendly?", text, choices=["yes", "no"])

        Parameters
        ----------
        task : str
            The question.
        context : str
            The text it is about; the model sees nothing else.
        choices : list of str or None
            The reply is exactly one of these.

        Returns
        -------
        str
            The whole reply.
        """
        return _reply_or_raise(ask([_request("sub_llm", task, context, choices)])[0])

    def sub_llm_batch(items: Any, context: Any = "", choices: Sequence[str] | None = None) -> list[str]:
        """Ask a language model many things at once; replies in order.

        sub_llm_batch(["Who is named?", "Which places?"], text)
        sub_llm_batch("Summarise in one line.", [part_1, part_2, part_3])
        sub_llm_batch([(task_a, text_a), (task_b, text_b)])

        Parameters
        ----------
        items : list
            Each item is a task, a pair (task, context), or a dict with the arguments of sub_llm. A single task with
            a list of contexts asks it of each.
        context : str or list of str
            The text all items without their own are about, or one text for each.
        choices : list of str or None
            For items without their own.

        Returns
        -------
        list of str
            The replies. One that failed is a text "[sub_llm failed: …]" with an attribute ``error``.
        """
        requests = _batch(items, context, choices)
        return [
            reply["value"] if reply.get("ok") else FailedReply(reply.get("error", "the driver gave no reason"))
            for reply in ask(requests)
        ]

    def rlm(task: str, context: Any = "") -> str:
        """Give a sub-task to a model that has its own REPL over ``context``, and wait for its answer.

        Parameters
        ----------
        task : str
            The question.
        context : str
            Becomes input_0 of the other REPL; may be far longer than sub_llm takes.

        Returns
        -------
        str
            Its answer.
        """
        return _reply_or_raise(ask([_request("rlm", task, context, None)])[0])

    return {"sub_llm": sub_llm, "sub_llm_batch": sub_llm_batch, "rlm": rlm}


def _reply_or_raise(reply: CallReply) -> str:
    if reply.get("ok"):
        return reply["value"]
    raise SubCallFailedError(reply.get("error", "the driver gave no reason"), reply.get("kind", "model"))


def _request(op: Op, task: Any, context: Any, choices: Any) -> CallRequest:
    if not isinstance(task, str) or not task.strip():
        raise TypeError(f"{op} needs the task as text, not {_what(task)}")
    request = CallRequest(op=op, task=str.__str__(task), context=_as_text(context))
    if choices is not None:
        request["choices"] = _checked_choices(choices)
    return request


def _batch(items: Any, context: Any, choices: Any) -> list[CallRequest]:
    if isinstance(items, str):
        if not isinstance(context, list | tuple):
            raise TypeError(
                "sub_llm_batch needs a list of tasks (or a list of contexts for one task); see sub_llm for one"
            )
        return [_request("sub_llm", items, each, choices) for each in context]
    if not isinstance(items, list | tuple):
        try:
            items = list(items)
        except TypeError:
            raise TypeError(f"sub_llm_batch needs a list of tasks, not {_what(items)}") from None
    if isinstance(context, list | tuple):
        if len(context) != len(items):
            raise ValueError(
                f"there are {len(items):,} tasks and {len(context):,} contexts; give one context for each task"
            )
        return [_request("sub_llm", task, each, choices) for task, each in zip(items, context, strict=True)]
    shared = _as_text(context)
    return [_item(number, item, shared, choices) for number, item in enumerate(items)]


def _item(number: int, item: Any, context: str, choices: Any) -> CallRequest:
    if isinstance(item, str):
        return _request("sub_llm", item, context, choices)
    if isinstance(item, Mapping):
        if unknown := set(item) - {"task", "context", "choices"}:
            raise TypeError(
                f"item {number} has the key {min(map(str, unknown))!r}; there are task, context and choices"
            )
        return _request("sub_llm", item.get("task"), item.get("context", context), item.get("choices", choices))
    if isinstance(item, list | tuple) and len(item) == 2:
        return _request("sub_llm", item[0], item[1], choices)
    raise TypeError(f"item {number} is {_what(item)}; an item is a task, a pair (task, context) or a dict")


def _as_text(context: Any) -> str:
    if context is None:
        return ""
    if isinstance(context, str):
        return str.__str__(context)
    if isinstance(context, list | tuple | dict | Hits):
        try:
            return json.dumps(list(context) if isinstance(context, Hits) else context, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"the context is {_what(context)} that is not JSON ({error}); pass it as text") from None
    raise TypeError(f"the context is {_what(context)}; pass text, for example str(value)")


def _checked_choices(choices: Any) -> list[str]:
    chosen = [] if isinstance(choices, str) else list(choices)
    if not chosen or not all(isinstance(choice, str) for choice in chosen):
        raise TypeError('choices is a list of str that is not empty, for example ["yes", "no"]')
    return [str.__str__(choice) for choice in chosen]


def _what(value: object) -> str:
    if value is None:
        return "None"
    return "empty text" if isinstance(value, str) else f"a {type(value).__name__}"
