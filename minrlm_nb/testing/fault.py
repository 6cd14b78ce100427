"""What can go wrong at an endpoint, as values to put among a script's replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FaultKind = Literal["status", "cut", "garbage", "stall", "endless", "reply", "disconnect", "silence"]

SOME_TEXT = "```python\nprint(len(input_0))\n```"


@dataclass(frozen=True)
class Fault:
    """One faulty reply of a `ScriptedServer`; made by the functions below.

    Parameters
    ----------
    kind
        What goes wrong.
    text
        The reply that would have come, or what comes in its place.
    after_chars
        How much of it arrives before the fault.
    code, retry_after_s, body
        Of an HTTP error: status, ``Retry-After`` header, JSON.
    clean
        Of a cut: whether the connection ends as HTTP wants it, or in the middle of a chunk.
    content_type
        Of garbage.
    with_usage
        Whether a complete reply reports its tokens.
    reasoning
        What comes before the text.
    """

    kind: FaultKind
    text: str = ""
    after_chars: int = 0
    code: int = 200
    retry_after_s: float | None = None
    body: Mapping[str, Any] | None = None
    clean: bool = True
    content_type: str = "text/html"
    with_usage: bool = True
    reasoning: str = ""

    @staticmethod
    def status(
        code: int, retry_after: float | None = None, message: str = "", body: Mapping[str, Any] | None = None
    ) -> Fault:
        """An HTTP error; ``retry_after`` in seconds, ``body`` in place of an OpenAI-shaped one with ``message``."""
        return Fault("status", message or f"scripted status {code}", code=code, retry_after_s=retry_after, body=body)

    @staticmethod
    def refuse_parameter(name: str) -> Fault:
        """A 400 that names a parameter, as OpenAI words it."""
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        return Fault.status(400, message=message, body=refusal(name, message))

    @staticmethod
    def cut_stream(after_chars: int, text: str = SOME_TEXT, clean: bool = True) -> Fault:
        """A reply that ends early: no finish reason, no ``[DONE]``; with ``clean=False`` in mid-chunk."""
        return Fault("cut", text, after_chars, clean=clean)

    @staticmethod
    def garbage(text: str = "<html><body>Welcome to the proxy</body></html>", content_type: str = "text/html") -> Fault:
        """Status 200 and something that is no reply."""
        return Fault("garbage", text, content_type=content_type)

    @staticmethod
    def stall(after_chars: int, text: str = SOME_TEXT, reasoning: str = "") -> Fault:
        """A reply that stops coming, on a connection that stays open; ``reasoning`` comes before it."""
        return Fault("stall", text, after_chars, reasoning=reasoning)

    @staticmethod
    def silence() -> Fault:
        """The request is read and nothing at all comes back."""
        return Fault("silence")

    @staticmethod
    def empty() -> Fault:
        """A complete reply without any text."""
        return Fault("reply")

    @staticmethod
    def endless(text: str = "and on ") -> Fault:
        """A reply that repeats ``text`` until the client leaves."""
        return Fault("endless", text)

    @staticmethod
    def no_usage(text: str = SOME_TEXT) -> Fault:
        """A good reply without usage figures."""
        return Fault("reply", text, with_usage=False)

    @staticmethod
    def reply_of(n_bytes: int) -> Fault:
        """A complete reply of that many bytes."""
        return Fault("reply", "x" * n_bytes)

    @staticmethod
    def disconnect() -> Fault:
        """The connection closes before any answer."""
        return Fault("disconnect")


def refusal(name: str, message: str = "") -> dict[str, Any]:
    """The body of a 400 that refuses a parameter, as OpenAI words it."""
    return {
        "error": {
            "message": message or f"Unsupported parameter: '{name}' is not supported with this model.",
            "type": "invalid_request_error",
            "param": name,
            "code": "unsupported_parameter",
        }
    }
