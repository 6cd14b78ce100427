"""Foreign text made plain: no escape codes, no control characters, nothing that can't be encoded."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"""
      (?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]?          # CSI: colours, cursor moves
    | (?:\x1b\]|\x9d) [^\x07\x1b\x9c\n]* (?:\x07|\x1b\\|\x9c)?   # OSC: titles, hyperlinks
    | (?:\x1b[PX^_]|[\x90\x98\x9e\x9f]) [^\x1b\x9c\n]* (?:\x1b\\|\x9c)?   # DCS, SOS, PM, APC
    | \x1b [ -/]* [0-~]?                             # two characters, charset choice, a lone ESC
    """,
    re.VERBOSE,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Strip escape sequences and control characters but ``\n`` and ``\t``; resolve ``\r`` as a terminal would show it.

    Lone surrogates become U+FFFD, so that the result can be written as UTF-8. Takes time linear in the length,
    whatever the text holds.
    """
    text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(map(_last_written, text.split("\n")))
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def _last_written(line: str) -> str:
    """What a line shows after its carriage returns: the last piece that is not blank, as progress bars mean it."""
    if "\r" not in line:
        return line
    pieces = line.split("\r")
    return next((piece for piece in reversed(pieces) if piece.strip()), pieces[-1])
