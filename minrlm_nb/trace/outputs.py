"""Outputs of a cell as a notebook has them, and back.

Shown is what a front end can render without harm: plain text and bitmaps. Whatever else an output holds, or text over
the cap, stays in the step's metadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..core.records import CellError, Output
from ..profile.plain import plain
from .codec import decode, encode, wrong

MAX_SHOWN_CHARS: Final = 20_000
"""Characters of one output that a trace shows."""

IMAGES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_STREAMS: Final = ("stdout", "stderr")


def to_notebook(output: Output, error: CellError | None, count: int | None) -> dict[str, Any]:
    """Turn an output into what nbformat calls one.

    Parameters
    ----------
    output
        What the cell showed.
    error
        The exception that ended the cell; names an output of kind ``error``.
    count
        The cell's execution count.
    """
    text = _shown(output.text)
    if output.kind in _STREAMS:
        return {"output_type": "stream", "name": output.kind, "text": text}
    if output.kind == "error":
        name, value = (error.name, error.value) if error else ("Error", "")
        return {
            "output_type": "error",
            "ename": _shown(name),
            "evalue": _shown(value),
            "traceback": text.split("\n"),
        }
    data: dict[str, Any] = {"text/plain": text}
    for mime in IMAGES:
        if (image := output.data.get(mime)) is not None and _BASE64.fullmatch(image):
            data[mime] = image
    if output.kind == "result":
        return {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def from_notebook(shown: Any, where: str) -> Output:
    """Read an output of a notebook back.

    Raises
    ------
    TraceError
        If it is not an output that nbformat knows.
    """
    if not isinstance(shown, Mapping):
        raise wrong(where, shown, "an output of a notebook")
    kind = shown.get("output_type")
    if kind == "stream" and shown.get("name") in _STREAMS:
        return Output(shown["name"], {"text/plain": _joined(shown.get("text"), where)})
    if kind == "error" and isinstance(shown.get("traceback"), list):
        return Output("error", {"text/plain": "\n".join(_joined(line, where) for line in shown["traceback"])})
    if kind in ("execute_result", "display_data") and isinstance(shown.get("data"), Mapping):
        data = {mime: _joined(value, where) for mime, value in shown["data"].items() if mime in ("text/plain", *IMAGES)}
        return Output("result" if kind == "execute_result" else "display", data)
    raise wrong(where, kind, "stream, error, execute_result or display_data")


def kept(output: Output, shown: Mapping[str, Any]) -> Any:
    """What metadata must keep of an output: None when the shown one says it all."""
    return None if from_notebook(shown, "output") == output else encode(output)


def read_outputs(cell: Mapping[str, Any], entries: Any, count: Any, where: str) -> tuple[Output, ...]:
    """Outputs of a step: those kept in metadata, the others from the cell; all from the cell if it was run again."""
    shown = cell.get("outputs", [])
    if not isinstance(shown, list) or not isinstance(entries, list):
        raise wrong(f"{where}.outputs", entries, "a list")
    if len(shown) != count or len(entries) > len(shown):
        return tuple(from_notebook(item, f"{where}.outputs[{i}]") for i, item in enumerate(shown))
    return tuple(
        from_notebook(shown[i], f"{where}.outputs[{i}]")
        if entry is None
        else decode(Output, entry, f"{where}.outputs[{i}]")
        for i, entry in enumerate(entries)
    )


def _shown(text: str) -> str:
    if len(text) <= MAX_SHOWN_CHARS:
        return plain(text)
    return f"{plain(text[:MAX_SHOWN_CHARS])}\n… (cut: {MAX_SHOWN_CHARS:,} of {len(text):,} characters)"


def _joined(text: Any, where: str) -> str:
    if isinstance(text, str):
        return text
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        return "".join(text)
    raise wrong(where, text, "text, or a list of its lines")
