"""The prompt for small models: about 400 tokens, and two examples chosen by the kind of the data."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Sequence
from typing import Final

from ..feedback import shorten
from ..records import CellResult, Message
from .style import Brief, SmallView

VERSION: Final = "small-1"

SYSTEM: Final = """\
Answer a question about a long text by writing one short Python program. The whole text is in the string variable \
input_0; you see only its start. re, csv, io, json, math, datetime, Counter and defaultdict are imported.
search(text, word) lists every place where word stands, as (match, before, after).
sub_llm(question, text) reads the passages of a text that fit the question, and answers it. It can't count.
FINAL(answer) gives the answer. It is the last line.
Reply with one ```python block only."""

HEAD_CHARS: Final = 600
MOST_VALUES: Final = 12
MOST_OUTPUT_CHARS: Final = 1_200

NO_CODE: Final = "Reply with one ```python block that ends with FINAL(answer)."


def _ask(view: str, task: str) -> Message:
    return Message("user", f"{view}\nQuestion: {task}")


def _reply(code: str) -> Message:
    return Message("assistant", f"```python\n{code}\n```")


_TABLE: Final = """\
input_0 is CSV. With rows = list(csv.DictReader(io.StringIO(input_0))):
rows[0]["id"] = '1'
rows[0]["city"] = 'Oslo'
rows[0]["sales"] = '20'
rows[0]["price"] = '2.5'"""
_RECORDS: Final = """\
input_0 is lines of text. It starts:
[09:01] bob "buy" Oslo 12
[09:02] eve "sell" Rome 7
...
With names = "time word1 word2 word3 number".split()
and rows = [dict(zip(names, re.sub(r'["\\[\\]]', " ", line).split())) for line in input_0.splitlines()]:
rows[0]["time"] = '09:01'
rows[0]["word1"] = 'bob'
rows[0]["word2"] = 'buy'
rows[0]["word3"] = 'Oslo'
rows[0]["number"] = '12'"""
_RECORDS_ROWS: Final = (
    'names = "time word1 word2 word3 number".split()\n'
    'rows = [dict(zip(names, re.sub(r\'["\\[\\]]\', " ", line).split())) for line in input_0.splitlines()]\n'
)
_LINES: Final = """\
input_0 is lines of text. It starts:
[09:01] bob INFO: order 83 paid with 12 EUR in Oslo
[09:02] eve WARN: order 84 with 7 EUR refused
...
With names = "time word1 level message".split()
and rows = [dict(zip(names, re.sub(r'["\\[\\]]', " ", line).split(None, 3))) for line in input_0.splitlines()]:
rows[0]["time"] = '09:01'
rows[0]["word1"] = 'bob'
rows[0]["level"] = 'INFO:'
rows[0]["message"] = 'order 83 paid with 12 EUR in Oslo'"""
_LINES_ROWS: Final = (
    'names = "time word1 level message".split()\n'
    'rows = [dict(zip(names, re.sub(r\'["\\[\\]]\', " ", line).split(None, 3))) for line in input_0.splitlines()]\n'
)
_JSON: Final = """\
input_0 is JSON. With data = json.loads(input_0):
data["shop"] = 'Paws'
data["pets"][0]["name"] = 'Rex'
data["pets"][0]["kind"] = 'dog'
data["pets"][0]["owner"]["city"] = 'Oslo'
data["pets"][0]["age"] = 3
data["towns"]["Rome"]["open"] = 1990"""
_JSONL: Final = """\
input_0 is JSON lines. With rows = [json.loads(line) for line in input_0.splitlines()]:
rows[0]["who"] = 'bob'
rows[0]["kind"] = 'buy'
rows[0]["cost"] = 12"""
_PROSE: Final = """\
input_0 is prose. It starts:
It was a calm morning. The sea..."""

_EXAMPLES: Final = {
    "csv": (
        _ask(_TABLE, "What was the highest price in Rome?"),
        _reply(
            "rows = list(csv.DictReader(io.StringIO(input_0)))\n"
            'FINAL(max(float(row["price"]) for row in rows if row["city"] == "Rome"))'
        ),
        _ask(_TABLE, "Which city has the highest average price?"),
        _reply(
            "rows = list(csv.DictReader(io.StringIO(input_0)))\n"
            "prices = defaultdict(list)\n"
            "for row in rows:\n"
            '    prices[row["city"]].append(float(row["price"]))\n'
            "FINAL(max(prices, key=lambda city: sum(prices[city]) / len(prices[city])))"
        ),
        _ask(_TABLE, "What is the id of the row with the highest price?"),
        _reply(
            "rows = list(csv.DictReader(io.StringIO(input_0)))\n"
            'highest = max(rows, key=lambda row: float(row["price"]))\n'
            'FINAL(highest["id"])'
        ),
        _ask(_TABLE, "Which city has the most revenue (sales times price)?"),
        _reply(
            "rows = list(csv.DictReader(io.StringIO(input_0)))\n"
            "totals = Counter()\n"
            "for row in rows:\n"
            '    totals[row["city"]] += float(row["sales"]) * float(row["price"])\n'
            "FINAL(totals.most_common(1)[0][0])"
        ),
    ),
    "rows of words": (
        _ask(_RECORDS, "How many different places are there?"),
        _reply(_RECORDS_ROWS + 'FINAL(len({row["word3"] for row in rows}))'),
        _ask(_RECORDS, "What is the total number of all sales?"),
        _reply(_RECORDS_ROWS + 'FINAL(sum(float(row["number"]) for row in rows if row["word2"] == "sell"))'),
        _ask(_RECORDS, "Who sold most often?"),
        _reply(
            _RECORDS_ROWS + 'counts = Counter(row["word1"] for row in rows if row["word2"] == "sell")\n'
            "FINAL(counts.most_common(1)[0][0])"
        ),
        _ask(_RECORDS, "How many times did eve buy?"),
        _reply(_RECORDS_ROWS + 'FINAL(sum(1 for row in rows if row["word1"] == "eve" and row["word2"] == "buy"))'),
    ),
    "lines": (
        _ask(_LINES, "What is the highest payment in EUR?"),
        _reply('amounts = [float(n) for n in re.findall(r"paid with (\\d+) EUR", input_0)]\nFINAL(max(amounts))'),
        _ask(_LINES, "When was the first order in Oslo?"),
        _reply(_LINES_ROWS + 'first = next(row for row in rows if "Oslo" in row["message"])\nFINAL(first["time"])'),
        _ask(_LINES, "Who has the most lines with WARN?"),
        _reply(
            _LINES_ROWS + 'counts = Counter(row["word1"] for row in rows if row["level"] == "WARN:")\n'
            "FINAL(counts.most_common(1)[0][0])"
        ),
        _ask(_LINES, "How many lines have a warning?"),
        _reply('FINAL(sum(1 for line in input_0.splitlines() if "WARN" in line))'),
    ),
    "json": (
        _ask(_JSON, "Which town opened first?"),
        _reply(
            'data = json.loads(input_0)\ntowns = data["towns"]\nFINAL(min(towns, key=lambda town: towns[town]["open"]))'
        ),
        _ask(_JSON, "How many dogs live in Oslo?"),
        _reply(
            "data = json.loads(input_0)\n"
            'FINAL(sum(1 for pet in data["pets"] if pet["kind"] == "dog" and pet["owner"]["city"] == "Oslo"))'
        ),
        _ask(_JSON, "What is the name of the oldest pet?"),
        _reply(
            "data = json.loads(input_0)\n"
            'oldest = max(data["pets"], key=lambda pet: pet["age"] or 0)\n'
            'FINAL(oldest["name"])'
        ),
    ),
    "jsonl": (
        _ask(_JSONL, "How many sales are there?"),
        _reply(
            "rows = [json.loads(line) for line in input_0.splitlines()]\n"
            'FINAL(sum(1 for row in rows if row["kind"] == "sell"))'
        ),
        _ask(_JSONL, "Who has the highest total cost?"),
        _reply(
            "rows = [json.loads(line) for line in input_0.splitlines()]\n"
            "totals = Counter()\n"
            "for row in rows:\n"
            '    totals[row["who"]] += row["cost"]\n'
            "FINAL(totals.most_common(1)[0][0])"
        ),
    ),
    "prose": (
        _ask(_PROSE, "How many times does the word sea occur?"),
        _reply('FINAL(len(re.findall(r"\\bsea\\b", input_0, re.IGNORECASE)))'),
        _ask(_PROSE, "What is the name of the captain's ship?"),
        _reply('FINAL(sub_llm("What is the name of the captain\'s ship? Answer in a few words.", input_0))'),
    ),
    "none": (
        Message("user", "Question: What is the sum of the squares of 1 to 10?"),
        _reply("FINAL(sum(n * n for n in range(1, 11)))"),
    ),
}
_SHAPES: Final = {
    "csv": "csv",
    "records": "csv",
    "json": "json",
    "jsonl": "jsonl",
    "log": "lines",
    "lines": "lines",
    "code": "lines",
    "markup": "lines",
}
"""Kinds of data and their examples; every other kind is treated as prose."""
_BRACKETS: Final = re.compile(r'["\[\]]')

_HINTS: Final = (
    ("NoneType", "Some values are None; skip them or use `or 0`."),
    ("index out of range", "Nothing matched: compare the condition with the values shown at the start."),
    ("could not convert string to float", "Skip the rows without a number there."),
    ("empty sequence", "Nothing matched: compare the condition with the values shown at the start."),
    ("'tuple'", "Write only one pair of parentheses into the pattern: around the number you want."),
    ("string indices", "That is a dict, not a list: loop over its .items() or take a key."),
    ("non-int of type 'str'", "Values from csv are strings; use float(...)."),
)


class SmallStyle:
    """A short system text, two examples, then the start of the data and the question."""

    version = VERSION

    def opening(self, task: str, brief: Brief) -> tuple[Message, ...]:
        """System message, examples, first user message."""
        examples = _EXAMPLES[_shape(brief.views[0]) if brief.views else "none"]
        return Message("system", SYSTEM), *examples, _question(task, brief.views)

    def next_task(self, task: str, brief: Brief) -> Message:
        """The user message that adds a task to a conversation."""
        return _question(task, brief.views)

    def after_cell(self, result: CellResult, warnings: Sequence[str]) -> str:
        """The user message after a cell that gave no answer."""
        shown = "".join(output.text for output in result.outputs if output.kind != "error").strip()
        parts = [f"It printed:\n{shorten(shown, MOST_OUTPUT_CHARS)}"] if shown else []
        parts.extend(result.notices)
        if result.error is not None:
            where = f"Line {result.error.line} failed" if result.error.line else "The program failed"
            parts.append(f"{where}: {result.error.name}: {shorten(result.error.value, 300)}")
            parts.extend(hint for word, hint in _HINTS if word in result.error.value)
            parts.append("Answer the same question with a corrected program. input_0 is there already.")
        else:
            parts.append("Now reply with a program that ends with FINAL(answer).")
        parts.extend(warnings)
        return "\n".join(parts)

    def after_no_code(self) -> str:
        """The user message after a reply without code."""
        return NO_CODE

    def last_turn(self, limit: str) -> str:
        """The demand to answer, once ``limit`` is reached."""
        return f"{limit[0].upper()}{limit[1:]}. Reply with one line of code that calls FINAL with the best answer."


def _question(task: str, views: Sequence[SmallView]) -> Message:
    if not views:
        return Message("user", f"Question: {task}")
    parts = [_shown(view, HEAD_CHARS // len(views)) for view in views]
    return Message("user", "\n".join([*parts, f"Question: {task}"]))


def _shape(view: SmallView) -> str:
    """Which examples fit an input."""
    if view.kind in ("log", "lines") and _are_records(_whole_lines(view.head)):
        return "rows of words"
    return _SHAPES.get(view.kind, "prose")


def _shown(view: SmallView, chars: int) -> str:
    head = view.head[:chars]
    dots = "\n..." if len(head) < view.size else ""
    lines = _whole_lines(head)
    shape = _shape(view)
    if shape == "csv":
        return _table(view.name, lines)
    if shape in ("rows of words", "lines"):
        start = "\n".join(lines[: 3 if shape == "rows of words" else 5])
        return f"{view.name} is lines of text. It starts:\n{start}{dots}{_first_words(view.name, lines, shape)}"
    if shape == "jsonl":
        found = "\n".join(first_values(head, "rows[0]"))
        return (
            f"{view.name} is JSON lines. With rows = [json.loads(line) for line in {view.name}.splitlines()]:\n{found}"
        )
    if shape == "json":
        found = "\n".join(first_values(head, "data"))
        return f"{view.name} is JSON. With data = json.loads({view.name}):\n{found}"
    return f"{view.name} is prose. It starts:\n{head.strip()}{dots}"


def _are_records(lines: list[str]) -> bool:
    """Whether the words of every line stand for the same things: a web server's log does so, free messages do not."""
    names = [_names(_words(line)[:MOST_VALUES]) for line in lines if line.strip()]
    known = {tuple((n, name) for n, name in enumerate(line) if not name.startswith("word")) for line in names}
    return len(known) == 1 and (len({len(line) for line in names}) == 1 or "status" in names[0])


def _whole_lines(head: str) -> list[str]:
    lines = head.splitlines()
    return lines[:-1] or lines


def _table(name: str, lines: list[str]) -> str:
    delimiter = max(",;\t|", key=lines[0].count)
    option = "" if delimiter == "," else f", delimiter={delimiter!r}"
    rows = list(csv.DictReader(lines, delimiter=delimiter)) or [{}]
    values = "\n".join(f"rows[0][{json.dumps(k)}] = {v!r}" for k, v in list(rows[0].items())[:MOST_VALUES])
    return f"{name} is CSV. With rows = list(csv.DictReader(io.StringIO({name}){option})):\n{values}"


def _first_words(name: str, lines: list[str], shape: str) -> str:
    words = _words(lines[0])
    names = _names(words)
    split = "split()"
    if shape == "lines":
        fields = _fields_before_message(lines)
        names = [*names[:fields], "message"]
        split = f"split(None, {fields})"
        words = _BRACKETS.sub(" ", lines[0]).split(None, fields)
    names = names[:MOST_VALUES]
    shown = [f'rows[0]["{key}"] = {word!r}' for key, word in zip(names, words, strict=False) if word != "-"]
    how = f"""rows = [dict(zip(names, re.sub(r'["\\[\\]]', " ", line).{split})) for line in {name}.splitlines()]"""
    return f'\nWith names = "{" ".join(names)}".split()\nand {how}:\n' + "\n".join(shown)


def _words(line: str) -> list[str]:
    return _BRACKETS.sub(" ", line).split()


def _fields_before_message(lines: list[str]) -> int:
    """How many words come before the free text of a line: those up to a colon, or those of a known look."""
    first = [_words(line)[:8] for line in lines]
    colon = {next((n for n, word in enumerate(words) if word.endswith(":")), -1) for words in first}
    if len(colon) == 1 and (place := colon.pop()) >= 0:
        return place + 1
    looks = [[not name.startswith("word") for name in _names(words)] for words in first]
    known = next((n for n, column in enumerate(zip(*looks, strict=False)) if not all(column)), min(map(len, looks)))
    return max(known, 1)


_LOOKS: Final = (
    ("datetime", re.compile(r"\d{1,2}/\w{3}/\d{4}:\S+|\d{4}-\d\d-\d\dT\S+")),
    ("date", re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d[-/.]\d\d[-/.]\d{4}")),
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


def _names(words: list[str]) -> list[str]:
    """A name for each word of a line, from how it looks and what stands before it."""
    names: list[str] = []
    for n, word in enumerate(words):
        looks = next((look for look, pattern in _LOOKS if pattern.fullmatch(word)), "word")
        if looks == "number" and names[-1:] == ["protocol"]:
            looks = "status"
        elif looks == "number" and names[-1:] == ["status"]:
            looks = "bytes"
        names.append(f"{looks}{n}" if looks == "word" or looks in names else looks)
    return names


_JSON_MARK = re.compile(r'\s*("(?:[^"\\\\]|\\\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+)')


def first_values(head: str, root: str) -> list[str]:
    """How to reach the first values in a JSON text that may be cut: ``data["pets"][0]["name"] = 'Rex'``."""
    found: list[str] = []
    seen: set[str] = set()
    path: list[str | int] = []
    marks = [match.group(1) for match in _JSON_MARK.finditer(head)]
    for mark, after in itertools.pairwise(marks):
        if mark == "{":
            path.append("")
        elif mark == "[":
            path.append(0)
        elif mark in "}]":
            if path:
                path.pop()
            if not path:
                break
        elif mark == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
        elif after == ":" and mark.startswith('"'):
            path[-1] = mark
        elif mark != ":" and not any(step for step in path if isinstance(step, int)):
            where = root + "".join(f"[{step}]" for step in path)
            if where not in seen:
                seen.add(where)
                found.append(f"{where} = {_value(mark)}")
    return found[:MOST_VALUES]


def _value(mark: str) -> str:
    try:
        value = repr(json.loads(mark))
    except ValueError:
        return mark
    return value if len(value) <= 60 else value[:60] + "..."
