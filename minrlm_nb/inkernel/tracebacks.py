"""Errors of a cell as short plain text: the cell's own frames, and one line for where a library raised."""

from __future__ import annotations

import linecache
import os
import traceback
from dataclasses import dataclass
from types import TracebackType

from .output import sendable
from .sizes import name_of_type

MESSAGE_CHARS = 4_000
"""Characters of an exception's message that are kept."""

_FIRST_FRAMES = 3
_LAST_FRAMES = 6
_LINE_CHARS = 200


def cell_name(number: int) -> str:
    """The file name that the code of cell ``number`` is compiled under."""
    return f"<cell {number}>"


@dataclass(frozen=True)
class Failure:
    """An exception as the driver gets it; ``line`` is the failing line of the current cell, if it is known."""

    name: str
    message: str
    lines: tuple[str, ...]
    line: int | None


def describe_failure(error: BaseException, current: str, *, bare: bool = False) -> Failure:
    """Describe an exception that ended a cell.

    Parameters
    ----------
    error
        The exception, with its traceback.
    current
        The file name of the cell, see `cell_name`.
    bare
        Leave out the frames: the message says it all.
    """
    name, message = name_of_type(error), message_of(error)
    line = getattr(error, "line", None) if bare else None
    last = f"{name}: {message}" if message else name
    if bare:
        return Failure(name, message, (last,), line if isinstance(line, int) else None)
    if isinstance(error, SyntaxError) and error.filename == current:
        return _syntax_failure(error, name, message)
    frames = _frames(error.__traceback__)
    mine = [number for file, number, _ in frames if file == current]
    lines = ["Traceback (most recent call last):", *_shown(frames, current), last, *_causes(error)]
    return Failure(name, message, tuple(lines), mine[-1] if mine else None)


def message_of(error: BaseException) -> str:
    """An exception's message, shortened; its class may misbehave."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        text = str.__str__(text)
    except BaseException as broken:  # the cell has ended; whatever its exception does now is no more than odd
        return f"(its message can't be had: {name_of_type(broken)})"
    if len(text) > MESSAGE_CHARS:
        return f"{sendable(text[:MESSAGE_CHARS])}… [{len(text):,} characters]"
    return sendable(text)


def _syntax_failure(error: SyntaxError, name: str, message: str) -> Failure:
    lines = [f"  line {error.lineno}"]
    if error.text:
        code = error.text.rstrip("\n")
        indent = len(code) - len(code.lstrip())
        shown = code.lstrip()[:_LINE_CHARS]
        lines.append(f"    {sendable(shown)}")
        column = (error.offset or 0) - indent
        if 0 < column <= len(shown) + 1:
            lines.append("    " + " " * (column - 1) + "^")
    return Failure(name, message, (*lines, f"{name}: {message}"), error.lineno)


def _frames(trace: TracebackType | None) -> list[tuple[str, int, str]]:
    """File, line and function of every frame, outermost first."""
    frames = []
    for frame, number in traceback.walk_tb(trace):
        frames.append((frame.f_code.co_filename, number, frame.f_code.co_name))
    return frames


def _shown(frames: list[tuple[str, int, str]], current: str) -> list[str]:
    cells = [frame for frame in frames if frame[0].startswith("<cell ")]
    left_out = len(cells) - _FIRST_FRAMES - _LAST_FRAMES
    if left_out > 0:
        shown = [_in_cell(frame, current) for frame in cells[:_FIRST_FRAMES]]
        shown.append(f"  … {left_out:,} more frames …")
        shown += [_in_cell(frame, current) for frame in cells[-_LAST_FRAMES:]]
    else:
        shown = [_in_cell(frame, current) for frame in cells]
    if frames and not frames[-1][0].startswith("<cell "):
        file, number, function = frames[-1]
        if "minrlm_nb" not in file:  # our helpers' own lines tell the model nothing
            shown.append(f"  in {_short(file)}, line {number}, in {function}")
    return shown


def _in_cell(frame: tuple[str, int, str], current: str) -> str:
    file, number, function = frame
    where = "" if file == current else f" of {file.strip('<>')}"
    inside = "" if function == "<module>" else f", in {function}"
    code = sendable(linecache.getline(file, number).strip()[:_LINE_CHARS])
    return f"  line {number}{where}{inside}\n    {code}"


def _short(file: str) -> str:
    return os.sep.join(file.split(os.sep)[-2:])


def _causes(error: BaseException) -> list[str]:
    if isinstance(members := getattr(error, "exceptions", None), tuple):
        return [f"  holds {name_of_type(member)}: {message_of(member)}" for member in members[:3]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [f"(after {name_of_type(cause)}: {message_of(cause)[:_LINE_CHARS]})"] if cause is not None else []
