"""What kind of text an input is, judged from samples, so that 100 MB take no longer than 100 kB."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .tabular import Table, find_table

Kind = Literal[
    "empty",
    "binary",
    "json",
    "jsonl",
    "csv",
    "records",
    "log",
    "markup",
    "code",
    "markdown",
    "prose",
    "lines",
]
"""``csv`` is comma-separated; ``records`` have another delimiter; ``lines`` are many short lines of no known kind."""

HEAD_CHARS: Final = 16_384
OTHER_CHARS: Final = 4_096
_MOST_KEYS = 64

_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_JSON_TOKEN = re.compile(
    r'\s*("(?:[^"\\\x00-\x1f]|\\.)*"|[{}\[\]:,]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)'
)
_CUT_JSON = re.compile(r'\s*(?:"(?:[^"\\\x00-\x1f]|\\.)*\\?|[-\w.+]{0,12})\Z')
_STAMP = re.compile(r"\d{1,2}:\d{2}:\d{2}|\d{4}-\d{2}-\d{2}T\d{2}|^\d{6} \d{6} |^\[?\d{10}(?:\.\d+)?\b")
_LEVEL = re.compile(r"\b(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|CRITICAL|NOTICE)\b|\[(?:info|warn|error|debug)\]")
_TAG = re.compile(r"</?[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,300})?/?>")
_MARKUP_START = re.compile(r"\s*<(?:!doctype|\?xml|html|svg|rss|feed)\b", re.IGNORECASE)
_CODE_WORD = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+\s*[(:{]|import [\w.{*]|from [\w.]+ import |return\b|elif |raise |@\w+"
    r"|if \(?.+(?:\)\s*\{|:)$|for \(|for \w+ in .+:$|while .+[:{]$|else\s*[:{]|try\s*[:{]|\}\s*$|#include\s*[<\"]"
    r"|func(?:tion)? \w+|(?:pub )?fn \w+|(?:const|let|var) \w+\s*[:=]|(?:public|private|protected|static) "
    r"|package [\w.]+|use [\w:]+;)"
)
_CODE_END = re.compile(r"(?:[{};]|\)\s*:|[\])],?|=\s*\w+\(.*\))\s*$")
_HEADING = re.compile(r"#{1,6} \S")
_MARKDOWN = re.compile(r"#{1,6} \S|```|\s*[-*+] \S|\s*\d+\. \S|>\s|.*\[[^\]]+\]\([^)]+\)|\|.*\|\s*$")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*(?:\s|$)|[。！？]")


@dataclass(frozen=True)
class Sniffed:
    """What a look at samples tells of a text.

    Parameters
    ----------
    kind
        The best guess.
    columns
        Names of a table's columns from its first line, of the fields of records, or of the keys of JSON objects.
    delimiter
        What separates the cells of ``csv`` and ``records``; ``"whitespace"`` for runs of blanks.
    """

    kind: Kind
    columns: tuple[str, ...] = ()
    delimiter: str = ""


def sniff(text: str) -> Sniffed:
    """Guess what a text is from 24,000 of its characters: the head, and a look at the middle and the end.

    Anything is accepted: control characters, lone surrogates, no line break at all.
    """
    if not text:
        return Sniffed("empty")
    samples = _Samples(text)
    if _is_binary(samples):
        return Sniffed("binary")
    return _as_json(samples) or _as_lines_of_a_kind(samples)


class _Samples:
    def __init__(self, text: str) -> None:
        size = len(text)
        self.whole = size <= HEAD_CHARS
        self.head = text[:HEAD_CHARS]
        self.middle = "" if self.whole else text[size // 2 : size // 2 + OTHER_CHARS]
        self.end = "" if self.whole else text[max(HEAD_CHARS, size - OTHER_CHARS) :]
        lines = self.head.splitlines()
        if not self.whole and len(lines) > 1:
            lines.pop()  # cut in the middle, as a rule
        self.lines = [line for line in lines if line.strip()]
        self.middle_lines = [line for line in self.middle.splitlines()[1:-1] if line.strip()]


def _is_binary(samples: _Samples) -> bool:
    sample = samples.head + samples.middle + samples.end
    return len(_NOT_TEXT.findall(sample)) > 0.03 * len(sample)


# -- JSON ------------------------------------------------------------------------------------------------------


def _as_json(samples: _Samples) -> Sniffed | None:
    start = samples.head.lstrip()[:1]
    if start not in ("{", "["):
        return None
    if len(samples.lines) > 1 and all(_is_json_line(line) for line in samples.lines[:20]):
        return Sniffed("jsonl", _keys(samples.lines[0]))
    if samples.whole:
        try:
            json.loads(samples.head)
        except (ValueError, RecursionError):
            return None
    elif not samples.end.rstrip().endswith("}" if start == "{" else "]") or not _is_json_start(samples.head):
        return None
    return Sniffed("json", _keys(samples.head))


def _is_json_line(line: str) -> bool:
    try:
        return isinstance(json.loads(line), (dict, list))
    except (ValueError, RecursionError):
        return False


def _is_json_start(head: str) -> bool:
    position = 0
    while token := _JSON_TOKEN.match(head, position):
        position = token.end()
    return _CUT_JSON.match(head, position) is not None


def _keys(head: str) -> tuple[str, ...]:
    """Keys of the object, or of the first object of the array, that ``head`` starts with."""
    wanted = 1 if head.lstrip().startswith("{") else 2
    depth, position, last = 0, 0, ""
    keys: list[str] = []
    while (token := _JSON_TOKEN.match(head, position)) and len(keys) < _MOST_KEYS:
        position, word = token.end(), token[1]
        if word in "{[":
            depth += 1
            if wanted == 2 and depth == 2 and word == "[":
                break
        elif word in "}]":
            if depth == wanted:
                break
            depth -= 1
        elif word == ":" and depth == wanted:
            keys.append(str(json.loads(last, strict=False)))
        last = word
    return tuple(keys)


# -- texts made of lines ---------------------------------------------------------------------------------------


def _as_lines_of_a_kind(samples: _Samples) -> Sniffed:
    lines, sample = samples.lines, samples.head + samples.middle
    if _MARKUP_START.match(samples.head) or len(_TAG.findall(sample)) > max(1, len(sample) / 200):
        return Sniffed("markup")
    table = find_table(lines, samples.middle_lines)
    if table and table.columns:
        return _as_table(table)
    if _share(lines, _is_log_line) >= 0.5:
        return Sniffed("log")
    if table:
        return _as_table(table)
    words = _share(lines, lambda line: _CODE_WORD.match(line) is not None)
    ends = _share(lines, lambda line: _CODE_END.search(line) is not None)
    if words >= 0.08 and words + ends >= 0.3:
        return Sniffed("code")
    if any(_HEADING.match(line) for line in lines) and _share(lines, _is_markdown_line) >= 0.08:
        return Sniffed("markdown")
    return Sniffed("prose" if _is_prose(lines, sample) else "lines")


def _as_table(table: Table) -> Sniffed:
    return Sniffed("csv" if table.delimiter == "," else "records", table.columns, table.delimiter)


def _is_log_line(line: str) -> bool:
    return _STAMP.search(line[:60]) is not None or _LEVEL.search(line[:100]) is not None


def _is_markdown_line(line: str) -> bool:
    return _MARKDOWN.match(line[:400]) is not None


def _is_prose(lines: list[str], sample: str) -> bool:
    ends = len(_SENTENCE_END.findall(sample))
    if len(lines) < 3:
        return ends > 0 or len(sample) < 200
    one_sentence = _share(lines, lambda line: len(line) < 300 and len(_SENTENCE_END.findall(line)) == 1)
    if one_sentence >= 0.9:
        return False
    letters = sum(character.isalpha() or character == " " for character in sample[:4000])
    return ends >= len(sample) / 600 and letters >= 0.7 * min(4000, len(sample))


def _share(lines: list[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, lines)) / len(lines) if lines else 0.0
