"""What the model is told after a step."""

from __future__ import annotations

from collections.abc import Sequence

from .records import CellResult, Variable

MOST_OUTPUT_CHARS = 4_000
"""Characters of a cell's output that go back to the model: two thirds from the start, the rest from the end."""

MOST_ERROR_CHARS = 1_200

NO_CODE = (
    "No code ran: the reply held no ```python block. If that text is the answer, reply with one block that calls "
    "FINAL(...) with it; else go on with one block."
)
GO_ON = "The reply was cut off. Go on exactly where it stopped, without repeating anything."


def cell_feedback(result: CellResult, warnings: Sequence[str] = ()) -> str:
    """The message after a cell: what it showed, how it failed, what it left, and what limit is near."""
    parts = []
    shown = "".join(_shown(result)).strip("\n")
    if shown:
        parts.append("Output:\n" + shorten(shown, MOST_OUTPUT_CHARS))
    if result.error is not None:
        parts.append(_error(result))
    elif not shown and result.status == "ok":
        parts.append("The cell ran and showed nothing; print what you need to see.")
    if result.variables:
        parts.append("Variables: " + ", ".join(_variable(v) for v in result.variables))
    parts.extend(result.notices)
    parts.extend(warnings)
    return "\n".join(parts) or "The cell ended without a word."


def last_turn(limit: str) -> str:
    """The message that asks for an answer when a limit is reached."""
    return (
        f"{limit[0].upper()}{limit[1:]}. This is the last turn: reply with one short ```python block that calls "
        "FINAL(...) with the best answer from what is known. No sub-calls."
    )


def shorten(text: str, most: int) -> str:
    """Cut the middle out of a text longer than ``most`` characters, saying how much went."""
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 3
    return f"{text[:head]}\n[… {len(text) - head - tail:,} characters cut …]\n{text[-tail:]}"


def _shown(result: CellResult) -> list[str]:
    pieces = []
    for output in result.outputs:
        if output.kind == "error":
            continue
        pictures = [kind for kind in output.data if kind.startswith("image/")]
        text = output.text
        pieces.append(text if text.endswith("\n") or not text else text + "\n")
        if pictures and not text:
            pieces.append("[a picture, shown to the person]\n")
    return pieces


def _error(result: CellResult) -> str:
    error = result.error
    if error is None:
        return ""
    where = f" (line {error.line})" if error.line else ""
    if result.status == "error" and error.traceback:
        return f"Error{where}:\n" + shorten(error.traceback, MOST_ERROR_CHARS)
    return f"Error{where}: {error.name}: {shorten(error.value, MOST_ERROR_CHARS)}"


def _variable(variable: Variable) -> str:
    if variable.preview:
        return f"{variable.name} = {variable.preview}"
    size = "" if variable.size is None else f"[{variable.size:,}]"
    return f"{variable.name}: {variable.type}{size}"
