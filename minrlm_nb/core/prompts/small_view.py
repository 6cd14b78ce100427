"""What a small model is shown of an input: how it starts, the line of code that reads it, and what that line gives.

Such a model copies the path to a value far better than it finds one.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Sequence
from typing import Final, Literal

from .style import SmallView

Shape = Literal["table", "objects", "words", "messages", "json", "prose"]
"""How an input is read: ``objects`` are JSON ones of a kind, one after the other; ``words`` are lines whose words
stand for the same things each, as in a web server's log; ``messages`` are lines that end in free text."""

MOST_VALUES: Final = 12
MOST_VALUE_CHARS: Final = 60
MOST_MESSAGE_WORDS: Final = 8

_NO_BRACKETS: Final = re.compile(r'["\[\]]')
_DELIMITERS: Final = ",;\t|"
_LOOKS: Final = (
    ("datetime", re.compile(r"\d{1,2}/\w{3}/\d{4}:\S+|\d{4}-\d\d-\d\dT\S+")),
    ("date", re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d[-/.]\w{2,3}[-/.]\d{4}")),
    ("time", re.compile(r"\d{1,2}:\d\d(:\d\d\S*)?")),
    ("ip", re.compile(r"(\d{1,3}\.){3}\d{1,3}|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f]+")),
    ("weekday", re.compile(r"Mon|Tue|Wed|Thu|Fri|Sat|Sun")),
    ("month", re.compile(r"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec")),
    ("method", re.compile(r"GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS")),
    ("path", re.compile(r"/\S*")),
    ("protocol", re.compile(r"HTTP/\d\S*")),
    ("level", re.compile(r"(?i)(debug|info|notice|warn(ing)?|error|critical|fatal):?")),
    ("number", re.compile(r"-?\d+(\.\d+)?")),
)
_KEY: Final = re.compile(r"([A-Za-z]\w*)=\S*")
_LIST_OF_OBJECTS: Final = re.compile(r"\s*\[\s*\{")
_JSON_MARK: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+)')


def shape_of(view: SmallView) -> Shape:
    """How an input is read."""
    lines = _whole_lines(view.head, view.size)
    if not lines:
        return "prose"
    if view.kind in ("csv", "records") and any(mark in lines[0] for mark in _DELIMITERS):
        return "table"
    if view.kind in ("json", "jsonl"):
        return "objects" if view.kind == "jsonl" or _LIST_OF_OBJECTS.match(view.head) else "json"
    if view.kind in ("log", "lines", "records", "code", "markup"):
        return "words" if _stand_for_the_same(lines) else "messages"
    return "prose"


def reading_code(view: SmallView) -> str:
    """The lines of Python that read an input into ``rows`` or ``data``; nothing for prose."""
    shape, name = shape_of(view), view.name
    lines = _whole_lines(view.head, view.size)
    if shape == "table":
        delimiter = _delimiter(lines)
        option = "" if delimiter == "," else f", delimiter={delimiter!r}"
        return f"rows = list(csv.DictReader(io.StringIO({name}){option}))"
    if shape == "json":
        return f"data = json.loads({name})"
    if shape == "objects" and view.kind == "jsonl":
        return f"rows = [json.loads(line) for line in {name}.splitlines()]"
    if shape == "objects":
        return f"rows = json.loads({name})"
    if shape == "prose":
        return ""
    names, split = _fields(lines, shape)
    return (
        f'names = "{" ".join(names)}".split()\n'
        f'rows = [dict(zip(names, re.sub(r\'["\\[\\]]\', " ", line).{split})) for line in {name}.splitlines()]'
    )


def show(view: SmallView, most_chars: int) -> str:
    """An input as the prompt has it: what it is, how it starts, how to read it, what that gives."""
    shape = shape_of(view)
    head = view.head[:most_chars]
    lines = _whole_lines(head, view.size)
    dots = "\n..." if len(head) < view.size else ""
    how = reading_code(view).replace("\n", "\nand ")
    if shape == "prose":
        return f"{view.name} is prose. It starts:\n{head.strip()}{dots}"
    if shape == "table":
        return f"{view.name} is CSV. With {how}:\n{_table_values(lines)}"
    if shape == "objects":
        start = head.lstrip().removeprefix("[")
        return f"{view.name} is JSON. With {how}:\n" + "\n".join(json_values(start, "rows[0]"))
    if shape == "json":
        return f"{view.name} is JSON. With {how}:\n" + "\n".join(json_values(head, "data"))
    start = "\n".join(lines[: 3 if shape == "words" else 5])
    return f"{view.name} is lines of text. It starts:\n{start}{dots}\nWith {how}:\n{_word_values(lines, shape)}"


def json_values(head: str, root: str) -> list[str]:
    """How to reach the first values of a JSON text that may be cut: ``data["pets"][0]["name"] = 'Rex'``."""
    found: dict[str, str] = {}
    path: list[str | int] = []
    marks = [match.group(1) for match in _JSON_MARK.finditer(head)]
    for mark, after in itertools.pairwise(marks):
        if mark in "{[":
            path.append("" if mark == "{" else 0)
        elif mark in "}]":
            path = path[:-1]
            if not path:
                break
        elif mark == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
        elif after == ":" and path:
            path[-1] = mark
        elif mark != ":" and not any(step for step in path if isinstance(step, int)):
            found.setdefault(root + "".join(f"[{step}]" for step in path), _json_value(mark))
    return [f"{where} = {value}" for where, value in itertools.islice(found.items(), MOST_VALUES)]


def _whole_lines(head: str, size: int) -> list[str]:
    """The lines that are not blank; the last only if it is not cut, or if there is no other."""
    lines = [line for line in head.splitlines() if line.strip()]
    is_whole = len(head) >= size or head.endswith("\n")
    return lines if is_whole else lines[:-1] or lines


def _delimiter(lines: Sequence[str]) -> str:
    return max(_DELIMITERS, key=lines[0].count)


def _table_values(lines: Sequence[str]) -> str:
    try:
        rows = list(csv.DictReader(lines, delimiter=_delimiter(lines), restkey=""))
    except csv.Error:  # Python 3.10 takes no NUL
        rows = []
    if not rows:
        return f"the columns {lines[0]}"
    values = itertools.islice(rows[0].items(), MOST_VALUES)
    return "\n".join(f"rows[0][{json.dumps(key, ensure_ascii=False)}] = {_short(repr(value))}" for key, value in values)


def _word_values(lines: Sequence[str], shape: Shape) -> str:
    names, _ = _fields(lines, shape)
    words = _NO_BRACKETS.sub(" ", lines[0]).split(None, len(names) - 1 if shape == "messages" else -1)
    pairs = zip(names, words, strict=False)
    return "\n".join(f'rows[0]["{name}"] = {_short(repr(word))}' for name, word in pairs if word != "-")


def _fields(lines: Sequence[str], shape: Shape) -> tuple[list[str], str]:
    """Names for the parts of a line, and the call that splits it so."""
    names = _names(_words(lines[0]))
    if shape == "words":
        return names[:MOST_VALUES], "split()"
    before = _words_before_message(lines)
    return [*names[:before], "message"], f"split(None, {before})"


def _words(line: str) -> list[str]:
    return _NO_BRACKETS.sub(" ", line).split()


def _names(words: Sequence[str]) -> list[str]:
    """A name for each word of a line, from how it looks and what stands before it."""
    names: list[str] = []
    for place, word in enumerate(words):
        looks = next((look for look, pattern in _LOOKS if pattern.fullmatch(word)), "word")
        if key := _KEY.fullmatch(word):
            looks = key[1]
        if looks == "number" and names[-1:] == ["protocol"]:
            looks = "status"
        elif looks == "number" and names[-1:] == ["status"]:
            looks = "bytes"
        names.append(f"{looks}{place}" if looks == "word" or looks in names else looks)
    return names


def _stand_for_the_same(lines: Sequence[str]) -> bool:
    names = [_names(_words(line)[:MOST_VALUES]) for line in lines]
    known = {tuple((n, name) for n, name in enumerate(line) if not name.startswith("word")) for line in names}
    return len(known) == 1 and (len({len(line) for line in names}) == 1 or "status" in names[0])


def _words_before_message(lines: Sequence[str]) -> int:
    """How many words come before the free text: those up to a colon, else those whose looks tell what they are."""
    starts = [_words(line)[:MOST_MESSAGE_WORDS] for line in lines]
    colons = {next((n for n, word in enumerate(words) if word.endswith(":")), -1) for words in starts}
    if len(colons) == 1 and (place := colons.pop()) >= 0:
        return place + 1
    known = [[not name.startswith("word") for name in _names(words)] for words in starts]
    columns = zip(*known, strict=False)
    return max(1, sum(1 for _ in itertools.takewhile(all, columns)))


def _json_value(mark: str) -> str:
    try:
        return _short(repr(json.loads(mark)))
    except ValueError:  # cut in its middle
        return _short(mark)


def _short(text: str) -> str:
    return text if len(text) <= MOST_VALUE_CHARS else text[:MOST_VALUE_CHARS] + "..."
