"""Text from data, models and kernels, made harmless for a prompt, a page, a terminal or a notebook."""

from __future__ import annotations

import re

_ESCAPE_CODE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and other strings: window titles, links, clipboard
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI as one character
    r"|\x1b[ -/]*[0-~]?"  # everything else that starts with ESC
)
_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_REORDERING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Text that a person can be shown.

    Escape codes and control characters are dropped (``\\n`` and ``\\t`` stay), every line ends in ``\\n``, a
    character that would reorder its line is shown as its number, a lone surrogate becomes U+FFFD. So the result
    can be encoded in UTF-8 and drives no terminal.

    Parameters
    ----------
    text : str
        Anything; the time is linear in its length, so cut first what will be cut anyway.
    """
    if not _SUSPECT.search(text):
        return text
    text = _LINE_END.sub("\n", _ESCAPE_CODE.sub("", text))
    text = _REORDERING.sub(_named, _CONTROL.sub("", text))
    return _SURROGATE.sub("\ufffd", text)


def one_line(text: str, limit: int) -> str:
    """`plain` text on one line: runs of white space become one space, cut to ``limit`` characters with "…"."""
    words = " ".join(plain(text[: 4 * limit + 64]).split())
    cut = len(words) > limit or len(text) > 4 * limit + 64
    return words[: limit - 1] + "…" if cut else words


def exposed(text: str) -> str:
    r"""Text as a model should see data: what can't be seen is shown by its number (``\\x1b``, ``\\u200b``).

    Only ``\\n`` and ``\\t`` stay as they are, so a hidden character can't carry a hidden message or break out of a
    quoted line. The result may be six times as long as ``text``.
    """
    return _INVISIBLE.sub(_named, text)


def _named(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\r":
        return "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
