"""``FINAL`` and ``FINAL_var``: giving the answer, which ends the cell."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from ..wire import ANSWER_MIME, CallRequest, EncodedAnswer
from .answer import encode_answer
from .calls import CallChannel, NoChannel
from .output import sendable
from .reads import ReadLog

SHOWN_CHARS = 2_000
"""Characters of an answer that are displayed; it travels whole over the call channel."""


class AnswerGiven(BaseException):
    """Raised by ``FINAL`` once the driver has the answer."""


class AnswerRejected(ValueError):  # noqa: N818  (the model reads the name)
    """The driver wants a better answer; the message says why."""


def make_finals(
    channel: Callable[[], CallChannel],
    reads: ReadLog,
    look_up: Callable[[str], Any],
    display: Callable[[dict[str, Any]], None],
) -> dict[str, Callable[..., Any]]:
    """Build the helpers ``FINAL`` and ``FINAL_var``.

    Parameters
    ----------
    channel
        Gives the channel to the driver as it is now.
    reads
        Sent along, so that the driver can judge the answer.
    look_up
        Gives the value of a variable; `KeyError` if there is none.
    display
        Shows a MIME bundle.
    """

    def give(value: Any) -> NoReturn:
        answer = encode_answer(value)
        way = channel()
        if not isinstance(way, NoChannel):
            reply = way.ask_all([CallRequest(op="final", answer=answer, reads=reads.as_wire())])[0]
            if not reply.get("ok"):
                raise AnswerRejected(reply.get("error", "the answer was not accepted"))
        display(_bundle(answer))
        raise AnswerGiven

    def FINAL(value: Any) -> None:  # noqa: N802  (the name is part of the protocol)
        """Give the answer and end the run. Pass the value itself, for example FINAL(count).

        Parameters
        ----------
        value
            The answer: text, a number, a bool, a list or a dict keep their type.
        """
        give(value)

    def FINAL_var(name: Any) -> None:  # noqa: N802  (as above)
        """Give the value of a variable as the answer, for example FINAL_var("report").

        Parameters
        ----------
        name : str
            The variable's name.
        """
        if not isinstance(name, str):  # FINAL was meant, and there is no doubt about the value
            give(name)
        try:
            value = look_up(name)
        except KeyError:
            raise NameError(f"there is no variable {name[:80]!r}; FINAL(value) takes the value itself") from None
        give(value)

    return {"FINAL": FINAL, "FINAL_var": FINAL_var}


def quiet_threads() -> None:
    """Let ``FINAL`` end a thread without a traceback, as it ends a cell."""
    report = threading.excepthook

    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        if not issubclass(args.exc_type, AnswerGiven):
            report(args)

    threading.excepthook = excepthook


def _bundle(answer: EncodedAnswer) -> dict[str, Any]:
    value = answer["value"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = sendable(text)
    if len(text) <= SHOWN_CHARS and shown == text:
        return {ANSWER_MIME: answer, "text/plain": text}
    shown = shown[:SHOWN_CHARS]
    note = f"as displayed: {len(shown):,} of {len(text):,} characters"
    more = f"… [{len(text):,} characters]" if len(text) > SHOWN_CHARS else ""
    return {ANSWER_MIME: EncodedAnswer(value=shown, note=note), "text/plain": shown + more}
