"""Jupyter's output messages become `Output` records: plain text and images, capped; nothing that could act in a page.

HTML, JavaScript, comms, payloads and updates of earlier displays are dropped: they come from a kernel that runs
hostile code, and would end up in its owner's page.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..core.feedback import shorten
from ..core.records import CellError, Output
from .channels import Message
from .text import plain

StreamName = Literal["stdout", "stderr"]

_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""Image types that are relayed, and how their data begins."""


@dataclass(frozen=True)
class OutputCaps:
    """How much output of one cell the driver keeps, and when it gives the kernel up.

    The kernel folds its own output far below this; these hold against a kernel that does not.

    Parameters
    ----------
    text_chars
        Characters of all outputs together.
    outputs
        Number of outputs; consecutive writes to one stream are one.
    image_bytes
        Largest image.
    images
        Number of images.
    flood_bytes, flood_messages
        What may come in altogether, used or not, before the kernel is killed as flooding.
    """

    text_chars: int = 1_000_000
    outputs: int = 1_000
    image_bytes: int = 8 * 2**20
    images: int = 50
    flood_bytes: int = 128 * 2**20
    flood_messages: int = 100_000


class Outputs:
    """Collects what one cell shows.

    Parameters
    ----------
    caps
        How much is kept.
    on_output
        Told of every piece as it comes in; in `collected`, pieces of one stream are joined.
    """

    def __init__(self, caps: OutputCaps, on_output: Callable[[Output], None] | None = None) -> None:
        self.flooded = False
        self._caps = caps
        self._on_output = on_output
        self._pieces: list[Output | _Stream] = []
        self._chars = self._images = self._bytes = self._messages = 0
        self._dropped = 0

    def take(self, message: Message, belongs: bool) -> None:
        """Take in a message; one that does not belong to the cell only counts towards the flood."""
        self._bytes += message.size
        self._messages += 1
        self.flooded = self._bytes > self._caps.flood_bytes or self._messages > self._caps.flood_messages
        if not belongs:
            return
        content = message.content
        if message.type == "stream":
            self._stream(content.get("name"), content.get("text"))
        elif message.type in ("execute_result", "display_data"):
            self._display("result" if message.type == "execute_result" else "display", content.get("data"))
        elif message.type == "error":
            self._add(Output("error", {"text/plain": plain(self._capped(_traceback(content)))}))

    @property
    def collected(self) -> tuple[Output, ...]:
        """All outputs so far, in order."""
        return tuple(piece.as_output() if isinstance(piece, _Stream) else piece for piece in self._pieces)

    @property
    def notices(self) -> list[str]:
        """Says how much was dropped, if anything was."""
        if not self._dropped:
            return []
        return [f"{self._dropped:,} outputs or parts of outputs were over the limit and left out"]

    def _stream(self, name: object, text: object) -> None:
        if name not in ("stdout", "stderr") or not isinstance(text, str) or not text:
            return
        text = self._capped(text)
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, _Stream) and last.name == name:
            last.texts.append(text)
        elif text and not self._full():
            self._pieces.append(_Stream(name, [text]))
        else:
            return
        self._tell(Output(name, {"text/plain": plain(_on_new_line(text))}))

    def _display(self, kind: Literal["result", "display"], bundle: object) -> None:
        if not isinstance(bundle, dict):
            return
        data: dict[str, str] = {}
        text = _joined(bundle.get("text/plain"))
        for mime in _SIGNATURES:
            if mime in bundle and (image := self._image(mime, bundle[mime])):
                data[mime] = image
        if text is None and not data:
            return
        data["text/plain"] = plain(self._capped(text)) if text is not None else "<image>"
        self._add(Output(kind, data))

    def _image(self, mime: str, value: object) -> str | None:
        value = _joined(value)
        if value is None or self._images >= self._caps.images or len(value) > self._caps.image_bytes * 2:
            self._dropped += 1
            return None
        try:
            image = base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            self._dropped += 1
            return None
        if len(image) > self._caps.image_bytes or not image.startswith(_SIGNATURES[mime]):
            self._dropped += 1
            return None
        self._images += 1
        return base64.b64encode(image).decode("ascii")

    def _add(self, output: Output) -> None:
        if not self._full():
            self._pieces.append(output)
            self._tell(output)

    def _full(self) -> bool:
        full = len(self._pieces) >= self._caps.outputs
        self._dropped += full
        return full

    def _capped(self, text: str) -> str:
        room = self._caps.text_chars - self._chars
        self._dropped += len(text) > room
        self._chars += min(len(text), room)
        return text[:room]

    def _tell(self, output: Output) -> None:
        if self._on_output is not None and (output.text or len(output.data) > 1):
            self._on_output(output)


class _Stream:
    """Consecutive writes to one stream, kept raw: an escape sequence may span two of them."""

    def __init__(self, name: StreamName, texts: list[str]) -> None:
        self.name, self.texts = name, texts

    def as_output(self) -> Output:
        return Output(self.name, {"text/plain": plain("".join(self.texts))})


def read_error(content: dict[str, Any], line: int | None, most_chars: int = 20_000) -> CellError:
    """The exception in an ``execute_reply`` or ``error`` message, as plain capped text."""
    name, value = _joined(content.get("ename")), _joined(content.get("evalue"))
    return CellError(
        name=plain(shorten(name or "Error", 200)),
        value=plain(shorten(value or "", most_chars // 4)),
        traceback=plain(shorten(_traceback(content), most_chars)),
        line=line,
    )


def _traceback(content: dict[str, Any]) -> str:
    lines = content.get("traceback")
    return "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""


def _joined(value: object) -> str | None:
    """A text of a MIME bundle: a string, or a list of lines as notebook files have it."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else None


def _on_new_line(text: str) -> str:
    """A progress bar's next state, told alone, goes on a line of its own."""
    return "\n" + text[1:] if text.startswith("\r") and not text.startswith("\r\n") else text
