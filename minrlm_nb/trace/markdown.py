"""Foreign text in markdown cells: readable, and unable to become HTML, a link, an image or a heading.

What comes in is a model's or a kernel's word. ``<`` and ``&`` never leave as such, nor do brackets that could make a
link or load an image, nor dollars that could make a formula; code keeps its look in elements that we write.
"""

from __future__ import annotations

import re

from ..profile.plain import plain

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s+|$)")

# A dollar or a backslash in an element of its own can't be one of a pair, which is what makes a formula in Jupyter.
_NO_MATH = {"$": "<span>&#36;</span>", "\\": "<span>&#92;</span>"}
_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
_PROSE = str.maketrans(_NO_MATH | {"<": "&lt;", "&": "&amp;", "[": "\\[", "]": "\\]", "`": "&#96;", "!": "\\!"})
_INERT = str.maketrans(_HTML | _NO_MATH | {mark: f"\\{mark}" for mark in "`*_[]~|#!"})
_WORDS = str.maketrans(_HTML | _NO_MATH | {mark: f"&#{ord(mark)};" for mark in "'`*_[]~|!\n"})
_CODE = str.maketrans(_HTML | {mark: f"&#{ord(mark)};" for mark in "'`*_[]~|!$\\\n"})


def inert(text: str) -> str:
    """One line of text in which no character means anything to markdown; line breaks become spaces."""
    return " ".join(plain(text).split()).translate(_INERT)


def quoted(text: str) -> str:
    """Text as a block quote that keeps its line breaks."""
    return "\n".join(f"> {inert(line)}  " if line.strip() else ">" for line in plain(text).split("\n"))


def code(text: str) -> str:
    """A word in code type."""
    return f"<code>{' '.join(plain(text).split()).translate(_CODE)}</code>"


def preformatted(text: str) -> str:
    """Text as a block that keeps its look; one line of HTML, so that no blank line in it can end the block."""
    return f"<pre>{plain(text).translate(_CODE)}</pre>"


def folded(summary: str, blocks: list[str]) -> str:
    """A part that opens on a click; ``blocks`` are lines of our own HTML, ``summary`` any text."""
    return "\n".join(["<details>", f"<summary>{plain(summary).translate(_WORDS)}</summary>", *blocks, "</details>"])


def labelled(label: str, text: str) -> str:
    """A line for `folded`: a word of ours, then any text, preformatted when it is long."""
    name = f"<b>{plain(label).translate(_WORDS)}</b>"
    if "\n" in text or len(text) > 120:
        return f"<p>{name}</p>{preformatted(text)}"
    return f"<p>{name} {plain(text).translate(_WORDS)}</p>"


def prose(text: str) -> str:
    """A model's markdown, kept readable: emphasis, lists and code stay, everything that could act does not.

    Headings become bold lines, so that they don't mix with the notebook's own.
    """
    blocks: list[str] = []
    fence = ""
    inside: list[str] = []
    for line in plain(text).split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                blocks += ["", preformatted("\n".join(inside)), ""]
                fence, inside = "", []
            else:
                inside.append(line)
        elif mark:
            fence = mark[1]
        else:
            blocks.append(_prose_line(line))
    if fence:
        blocks += ["", preformatted("\n".join(inside)), ""]
    return "\n".join(blocks).strip("\n")


def table(rows: list[list[str]]) -> str:
    """A table; the first row is its head. Cells are markdown already."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _prose_line(line: str) -> str:
    if heading := _HEADING.match(line):
        rest = line[heading.end() :].strip().rstrip("#").strip()
        return f"**{inert(rest)}**" if rest else ""
    pieces = line.split("`")
    if len(pieces) % 2 == 0:  # an odd number of backticks: the last one is just a character
        last = pieces.pop()
        pieces[-1] += "`" + last
    # Even pieces are outside of code, odd ones inside.
    return "".join(
        piece.translate(_PROSE) if i % 2 == 0 else f"<code>{piece.translate(_CODE)}</code>" if piece else ""
        for i, piece in enumerate(pieces)
    )
