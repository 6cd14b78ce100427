"""Questions and the programs that answer them, by the shape of the data. The last example counts the most."""

from __future__ import annotations

from typing import Final

from ..records import Message
from .small_view import Shape, reading_code, shape_of, show
from .style import SmallView

_ANY = 10_000
"""Stands for a size beyond the head, so that the examples end in dots as real inputs do."""


def _lesson(kind: str, head: str, *pairs: tuple[str, str]) -> tuple[Message, ...]:
    """Examples about one made-up input; ``READ`` in a program stands for the code that reads it."""
    view = SmallView("input_0", head, kind, size=_ANY)
    read = reading_code(view)
    messages = []
    for number, (question, program) in enumerate(pairs):
        shown = "" if number else f"{show(view, _ANY)}\n"
        messages.append(Message("user", f"{shown}Question: {question}"))
        messages.append(Message("assistant", f"```python\n{program.replace('READ', read)}\n```"))
    return tuple(messages)


_TABLE: Final = _lesson(
    "csv",
    "id,city,sales,price\n1,Oslo,20,2.5\n2,Rome,35,4.0\n3,",
    (
        "What was the highest price?",
        'READ\nFINAL(max(float(row["price"]) for row in rows))',
    ),
    (
        "Which city has the highest average price?",
        "READ\n"
        "prices = defaultdict(list)\n"
        "for row in rows:\n"
        '    prices[row["city"]].append(float(row["price"]))\n'
        "FINAL(max(prices, key=lambda city: sum(prices[city]) / len(prices[city])))",
    ),
    (
        "Which city had the highest price?",
        'READ\nhighest = max(rows, key=lambda row: float(row["price"]))\nFINAL(highest["city"])',
    ),
    (
        "Which city has the most revenue (sales times price)?",
        "READ\n"
        "totals = Counter()\n"
        "for row in rows:\n"
        '    totals[row["city"]] += float(row["sales"]) * float(row["price"])\n'
        "FINAL(totals.most_common(1)[0][0])",
    ),
)

_WORDS: Final = _lesson(
    "lines",
    '[09:01] bob "buy" Oslo 12\n[09:02] eve "sell" Rome 7\n[',
    ("How many lines has bob?", 'READ\nFINAL(sum(1 for row in rows if row["word1"] == "bob"))'),
    (
        "Who sold most often?",
        "READ\n"
        "counts = Counter()\n"
        "for row in rows:\n"
        '    if row["word2"] == "sell":\n'
        '        counts[row["word1"]] += 1\n'
        "FINAL(counts.most_common(1)[0][0])",
    ),
    ("How many different places are there?", 'READ\nFINAL(len({row["word3"] for row in rows}))'),
    (
        "What is the total number of all sales?",
        'READ\nFINAL(sum(float(row["number"]) for row in rows if row["word2"] == "sell"))',
    ),
    ("How many times was something sold?", 'READ\nFINAL(sum(1 for row in rows if row["word2"] == "sell"))'),
)

_MESSAGES: Final = _lesson(
    "log",
    "[09:01] INFO bob: order 83 paid with 12 EUR in Oslo\n[09:02] WARN eve: order 84 with 7 EUR refused\n[",
    (
        "Who has the most refused orders?",
        "READ\n"
        "counts = Counter()\n"
        "for row in rows:\n"
        '    if "refused" in row["message"]:\n'
        '        counts[row["word2"]] += 1\n'
        "FINAL(counts.most_common(1)[0][0])",
    ),
    (
        "When was the first order in Oslo?",
        'READ\nfirst = next(row for row in rows if "Oslo" in row["message"])\nFINAL(first["time"])',
    ),
    (
        "What is the highest payment in EUR?",
        'amounts = [float(n) for n in re.findall(r"order \\d+ paid with (\\d+) EUR", input_0)]\nFINAL(max(amounts))',
    ),
    ("How many times was an order paid?", 'READ\nFINAL(sum(1 for row in rows if "paid" in row["message"]))'),
    ("How many WARN lines are there?", 'READ\nFINAL(sum(1 for row in rows if row["level"] == "WARN"))'),
)

_JSON: Final = _lesson(
    "json",
    '{"shop": "Paws", "pets": [{"name": "Rex", "kind": "dog", "owner": {"city": "Oslo"}, "age": 3}], '
    '"towns": {"Rome": {"open": 1990}}, ',
    (
        "Which town opened first?",
        'READ\ntowns = data["towns"]\nFINAL(min(towns, key=lambda town: towns[town]["open"]))',
    ),
    (
        "How many dogs live in Oslo?",
        'READ\nFINAL(sum(1 for pet in data["pets"] if pet["kind"] == "dog" and pet["owner"]["city"] == "Oslo"))',
    ),
    (
        "What is the name of the oldest pet?",
        'READ\noldest = max(data["pets"], key=lambda pet: pet["age"] or 0)\nFINAL(oldest["name"])',
    ),
)

_OBJECTS: Final = _lesson(
    "jsonl",
    '{"who": "bob", "kind": "buy", "cost": 12}\n{"who": "eve", "kind": "sell", "cost": 7}\n',
    (
        "Who has the highest average cost?",
        "READ\n"
        "costs = defaultdict(list)\n"
        "for row in rows:\n"
        '    costs[row["who"]].append(row["cost"])\n'
        "FINAL(max(costs, key=lambda who: sum(costs[who]) / len(costs[who])))",
    ),
    (
        "Who had the highest cost?",
        'READ\nhighest = max(rows, key=lambda row: row["cost"] or 0)\nFINAL(highest["who"])',
    ),
    ("What was the highest cost?", 'READ\nFINAL(max(row["cost"] or 0 for row in rows))'),
    ("How many sales are there?", 'READ\nFINAL(sum(1 for row in rows if row["kind"] == "sell"))'),
)

_PROSE: Final = _lesson(
    "prose",
    "It was a calm morning. The sea",
    ("How many times does the word sea occur?", 'FINAL(len(re.findall(r"\\bsea\\b", input_0, re.IGNORECASE)))'),
    (
        "What is the name of the captain's ship?",
        'FINAL(sub_llm("What is the name of the captain\'s ship? Answer in a few words.", input_0))',
    ),
)

_OF_SHAPE: Final[dict[Shape, tuple[Message, ...]]] = {
    "table": _TABLE,
    "objects": _OBJECTS,
    "words": _WORDS,
    "messages": _MESSAGES,
    "json": _JSON,
    "prose": _PROSE,
}

NO_INPUT: Final = (
    Message("user", "Question: What is the sum of the squares of 1 to 10?"),
    Message("assistant", "```python\nFINAL(sum(n * n for n in range(1, 11)))\n```"),
)
"""The example for a task without any input."""


def examples_for(view: SmallView | None) -> tuple[Message, ...]:
    """The examples that go before a question about an input."""
    return NO_INPUT if view is None else _OF_SHAPE[shape_of(view)]
