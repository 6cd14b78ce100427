"""The passages of a long text that fit a question best, for models that read little."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

SMALL_MODEL_READS: Final = 2_500
"""Characters that a sub-call of a small model reads at the most: some 7 s on two cores, and less to get lost in."""

PASSAGE_CHARS: Final = 500
_WORD: Final = re.compile(r"\w+")
_ENDING: Final = re.compile(r"(?<=\w\w\w)(ing|ed|es|s|e|ly)$")
_COMMON: Final = frozenset(
    """a an and answer any are as at be by did do does for from give had has have how in is it its many much name of on
    only or sentence that the their there they this to was were what when where which who whom whose why with
    word""".split()  # noqa: SIM905  (as a list it would be a page)
)


def best_passages(text: str, question: str, most_chars: int) -> str:
    """Cut a text down to the passages that share the rarest words with a question.

    Parameters
    ----------
    text
        Any text; one that is short enough comes back as it is.
    question
        Its words are looked for, all but the most common and without their endings, so that ``sailed`` finds ``sails``.
    most_chars
        Length of the result, at the most.

    Returns
    -------
    str
        The passages in the order of the text, with ``...`` between those that do not touch.
    """
    if len(text) <= most_chars:
        return text
    wanted = {_stem(word) for word in _WORD.findall(question.lower())} - {_stem(w) for w in _COMMON}
    passages = _passages(text)
    counts = [Counter(stem for word in _WORD.findall(p.lower()) if (stem := _stem(word)) in wanted) for p in passages]
    spread = Counter(stem for count in counts for stem in count)
    weight = {stem: math.log(1 + len(passages) / spread[stem]) for stem in spread}
    scores = [sum(weight[stem] * (1 + 0.2 * min(n - 1, 3)) for stem, n in count.items()) for count in counts]
    chosen: set[int] = set()
    room = most_chars
    for index in sorted(range(len(passages)), key=lambda i: (-scores[i], i)):
        if len(passages[index]) + 5 > room:
            break
        chosen.add(index)
        room -= len(passages[index]) + 5
    pieces: list[str] = []
    for index in sorted(chosen):
        if pieces and index - 1 not in chosen:
            pieces.append("\n...\n")
        pieces.append(passages[index])
    return "".join(pieces)


def _passages(text: str) -> list[str]:
    """Runs of whole lines of about `PASSAGE_CHARS`; longer lines are cut."""
    passages: list[str] = []
    current = ""
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), PASSAGE_CHARS):
            piece = line[start : start + PASSAGE_CHARS]
            if current and len(current) + len(piece) > PASSAGE_CHARS:
                passages.append(current)
                current = ""
            current += piece
    return [*passages, current]


def _stem(word: str) -> str:
    """The word without its ending, so that ``smoke`` finds ``smoking`` and ``grins`` finds ``grinned``."""
    bare = _ENDING.sub("", word)
    if len(bare) > 3 and bare[-1] == bare[-2]:
        bare = bare[:-1]
    return bare[:7]
