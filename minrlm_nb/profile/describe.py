"""The words in which a model is told of its inputs, within a budget of characters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .entropy import EntropyMap, entropy_map
from .plain import exposed, one_line
from .preview import Excerpt, excerpts
from .sniff import Kind, sniff

ONE_INPUT_CHARS = 1600
ALL_INPUTS_CHARS = 2500

_LABEL_CHARS = 60
_LINE_CHARS = 320
_LEAST_EXCERPT = 48
_LEAST_FOR_ENTROPY = 700
_TABLE_LINES = (8, 3)
_TEXT_LINES = (16, 6)
_WHOLE_LINES = 40
"""Lines of the head, and of the middle and the end, at the most: more rows of a table tell a model nothing new."""


@dataclass(frozen=True)
class InputProfile:
    r"""What can be told of an input without reading all of it.

    Parameters
    ----------
    name, label
        The variable (``input_0``) and what the person called it (a file's or a variable's name).
    kind, columns, delimiter
        As `minrlm_nb.profile.sniff.Sniffed`.
    size, lines
        Characters, and lines as an editor counts them (a last line without a line break is one).
    head, middle, end
        Excerpts as they are in the input; ``middle`` and ``end`` are None when ``head`` is the whole input.
    entropy
        Where it is dense and where it repeats itself.
    crlf
        Whether its first lines end in ``\r\n``.
    """

    name: str
    label: str
    kind: Kind
    columns: tuple[str, ...]
    delimiter: str
    size: int
    lines: int
    head: Excerpt
    middle: Excerpt | None
    end: Excerpt | None
    entropy: EntropyMap
    crlf: bool = False


def count_lines(text: str) -> int:
    """Count lines as an editor does: none in an empty text, and a last line needs no line break."""
    return text.count("\n") + (0 if not text or text.endswith("\n") else 1)


def profile(text: str, name: str, label: str) -> InputProfile:
    """Profile one input.

    All but the count of lines works on samples, so 70 MB take less than 0.1 s.

    Parameters
    ----------
    text : str
        The input.
    name, label : str
        The variable it will be (``input_0``) and where it came from.
    """
    sniffed = sniff(text)
    head, middle, end = excerpts(text)
    return InputProfile(
        name=name,
        label=label,
        kind=sniffed.kind,
        columns=sniffed.columns,
        delimiter=sniffed.delimiter,
        size=len(text),
        lines=count_lines(text),
        head=head,
        middle=middle,
        end=end,
        entropy=entropy_map(text),
        crlf="\r\n" in head.text,
    )


def describe(profile: InputProfile, budget_chars: int = ONE_INPUT_CHARS) -> str:
    """Say what an input is: facts, excerpts, entropy map; never more than ``budget_chars`` (but one line at least).

    Every line taken from the input starts with ``"| "`` and holds no hidden characters, so nothing in the input can
    pass for words of ours.
    """
    parts = [_facts(profile)]
    left = budget_chars - len(parts[0])
    if profile.columns and left > 80:
        parts.append(_columns(profile, min(400, left // 3)))
        left -= len(parts[-1]) + 1
    closing = _entropy(profile) if budget_chars >= _LEAST_FOR_ENTROPY and profile.middle is not None else ""
    if closing:
        left -= len(closing) + 1
    parts += _excerpts(profile, left)
    if closing:
        parts.append(closing)
    text = "\n".join(parts)
    return text if len(text) <= budget_chars else parts[0]


def describe_all(profiles: Sequence[InputProfile], budget_chars: int = ALL_INPUTS_CHARS) -> str:
    """Say what all inputs are, within one budget that they share; what one does not use, the next may.

    One input alone keeps to `ONE_INPUT_CHARS`. Inputs for which no line is left are summed up in a last one.
    """
    texts: list[str] = []
    left = budget_chars
    for done, item in enumerate(profiles):
        rest = len(profiles) - done
        reserve = 100 if rest > 1 else 0
        text = describe(item, min(ONE_INPUT_CHARS, max(0, left - reserve) // rest))
        if len(text) + 1 + reserve > left:
            texts.append(_rest(profiles[done:]))
            break
        texts.append(text)
        left -= len(text) + 1
    return "\n".join(texts)


def _facts(profile: InputProfile) -> str:
    kind = str(profile.kind)
    if profile.kind == "records":
        kind = f"records separated by {_delimiter(profile.delimiter)}"
    label = "" if profile.label == profile.name else f" {_quoted(profile.label, _LABEL_CHARS)}"
    size, lines = _counted(profile.size, "character"), _counted(profile.lines, "line")
    ends = ", lines end in \\r\\n" if profile.crlf else ""
    return f"{profile.name}:{label} {kind}, {size}, {lines}{ends}"


def _counted(count: int, noun: str) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _delimiter(delimiter: str) -> str:
    return {"\t": "tabs", "whitespace": "white space"}.get(delimiter, json.dumps(delimiter))


def _columns(profile: InputProfile, budget: int) -> str:
    word = "keys" if profile.kind in ("json", "jsonl") else "fields" if profile.delimiter in ("||", "::") else "columns"
    text = f"{word}:"
    for i, column in enumerate(profile.columns):
        quoted = ("," if i else "") + " " + _quoted(column, _LABEL_CHARS)
        if len(text) + len(quoted) + 12 > budget:
            return f"{text} +{len(profile.columns) - i} more"
        text += quoted
    return text


def _quoted(text: str, limit: int) -> str:
    """Quote as JSON does, hidden characters as escapes, other scripts as they are."""
    return json.dumps(one_line(exposed(text[: 4 * limit]), limit), ensure_ascii=False)


def _entropy(profile: InputProfile) -> str:
    found = profile.entropy
    text = f"entropy of {len(found.sections)} equal parts (0 repeats, 9 dense): {found.digits}"
    if found.spikes:
        spans = [found.sections[i] for i in sorted(found.spikes[:3])]
        text += "; unlike the rest: " + ", ".join(f"{span.start:,}-{span.end:,}" for span in spans)
    return text


def _excerpts(profile: InputProfile, budget: int) -> list[str]:
    if not profile.size or budget < _LEAST_EXCERPT:
        return []
    if profile.kind == "binary":
        budget = min(budget, 300)
    most, least = _TABLE_LINES if profile.delimiter else _TEXT_LINES
    if profile.middle is None or profile.end is None:
        fenced = _fenced(profile.head.text, budget - 14, _WHOLE_LINES)
        return _titled("starts:" if fenced.endswith("…") else "whole text:", fenced)
    if budget < 4 * _LEAST_EXCERPT:
        return _titled("starts:", _fenced(profile.head.text, budget - 9, most))
    middle = f"from character {profile.middle.start:,}:"
    end = f"last {len(profile.end.text):,} characters:"
    budget -= len(middle) + len(end) + 12
    tails = budget * 22 // 100
    return [
        *_titled("starts:", _fenced(profile.head.text, budget - 2 * tails, most)),
        *_titled(middle, _fenced(profile.middle.text, tails, least)),
        *_titled(end, _fenced_end(profile.end.text, tails, least)),
    ]


def _titled(title: str, fenced: str) -> list[str]:
    return [title, fenced] if fenced else []


def _fenced(text: str, budget: int, most: int) -> str:
    """Lines of an input behind ``"| "``, from the first on, cut with "…" where budget or lines end."""
    lines = _fence_lines(text[: max(0, budget)])
    kept: list[str] = []
    for line in lines[:most]:
        room = budget - len(line) - 1
        if room < 0:
            if budget > 24:
                kept.append(line[: budget - 2] + "…")
            break
        kept.append(line)
        budget = room
    return "\n".join(kept)


def _fenced_end(text: str, budget: int, most: int) -> str:
    """Do the same from the last line backwards."""
    kept: list[str] = []
    for line in reversed(_fence_lines(text[-max(1, budget) :])[-most:]):
        room = budget - len(line) - 1
        if room < 0:
            if budget > 24:
                kept.append("| …" + line[2:][-(budget - 4) :])
            break
        kept.append(line)
        budget = room
    return "\n".join(reversed(kept))


def _fence_lines(text: str) -> list[str]:
    lines = exposed(text.replace("\r\n", "\n")).split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return ["| " + (line if len(line) <= _LINE_CHARS else line[:_LINE_CHARS] + "…") for line in lines]


def _rest(profiles: Sequence[InputProfile]) -> str:
    first, last = profiles[0].name, profiles[-1].name
    size = sum(item.size for item in profiles)
    return f"{len(profiles)} more: {first} to {last}, {size:,} characters together"
