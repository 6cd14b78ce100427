"""Tables in text: which delimiter splits the lines into equally many cells, and what the columns are called."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WHITESPACE: Final = "whitespace"
_SINGLE: Final = (",", "\t", ";", "|")
_DOUBLE: Final = ("||", "::")
_MOST_ROWS: Final = 200
_NUMBER = re.compile(r"\s*[-+]?[$€£]?\d[\d,._ ]*(?:[eE][+-]?\d+)?\s*%?\s*$")
_NAME = re.compile(r"\s*\w[\w .%()/#°:&-]{0,63}\s*$")
_FIELD = re.compile(r"\s*([A-Za-z][\w -]{0,30}?)\s*[:=]")


@dataclass(frozen=True)
class Table:
    """A delimiter that fits, and the columns' names where the text gives them."""

    delimiter: str
    columns: tuple[str, ...] = ()


def find_table(lines: list[str], later: list[str]) -> Table | None:
    """Find the delimiter that splits nearly every line into the same number of cells.

    Parameters
    ----------
    lines
        The text's first complete lines, blank ones left out.
    later
        Lines from its middle, which must agree; may be empty.
    """
    if len(lines) < 2:
        return None
    best: tuple[float, int, Table] | None = None
    for delimiter in _SINGLE:
        found = _with_header(lines, later, delimiter)
        if found and (best is None or found[:2] > best[:2]):
            best = found
    if best:
        return best[2]
    for delimiter in _DOUBLE:
        rows = [line.split(delimiter) for line in lines[:_MOST_ROWS]]
        if _agreement(rows, 2)[1] >= 0.85:
            return Table(delimiter, _field_names(rows))
    rows = [line.split() for line in lines[:_MOST_ROWS]]
    width, share = _agreement(rows, 3)
    if share >= 0.95 and _numeric_share([row for row in rows if len(row) == width]) >= 0.5:
        return Table(WHITESPACE)
    return None


def _with_header(lines: list[str], later: list[str], delimiter: str) -> tuple[float, int, Table] | None:
    rows = _split(lines, delimiter)
    width, share = _agreement(rows, 2)
    if share < 0.9 or len(rows[0]) != width:
        return None
    if later:
        later_width, later_share = _agreement(_split(later, delimiter), 2)
        if later_width != width or later_share < 0.6:
            return None
    body = [row for row in rows[1:] if len(row) == width]
    columns = tuple(cell.strip() for cell in rows[0]) if _is_header(rows[0], body) else ()
    if not columns and not _looks_tabular(body, width):
        return None
    return share, width, Table(delimiter, columns)


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    reader = csv.reader((line + "\n" for line in lines[:_MOST_ROWS]), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in reader if row)
    except csv.Error:
        return [line.split(delimiter) for line in lines[:_MOST_ROWS]]
    return rows


def _agreement(rows: list[list[str]], least: int) -> tuple[int, float]:
    """Return the commonest number of cells and the share of rows that have it; ``(0, 0)`` below ``least`` cells."""
    if not rows:
        return 0, 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return (width, count / len(rows)) if width >= least else (0, 0.0)


def _is_header(first: list[str], body: list[list[str]]) -> bool:
    names = [cell.strip() for cell in first]
    if len(set(names)) < len(names) or any(_NUMBER.match(name) for name in names):
        return False
    if names.count("") > 1 or not all(_NAME.match(name) for name in names if name):
        return False
    return not any(name in {row[i].strip() for row in body} for i, name in enumerate(names) if name)


def _looks_tabular(body: list[list[str]], width: int) -> bool:
    """Whether rows without a header are a table rather than sentences with a comma in each."""
    if len(body) < 2:
        return False
    return _numeric_share(body) >= 0.25 or (width >= 3 and _mean_length(body) <= 24)


def _numeric_share(rows: list[list[str]]) -> float:
    return _cell_mean(rows, lambda cell: float(_NUMBER.match(cell) is not None))


def _mean_length(rows: list[list[str]]) -> float:
    return _cell_mean(rows, lambda cell: float(len(cell)))


def _cell_mean(rows: list[list[str]], measure: Callable[[str], float]) -> float:
    cells = [cell for row in rows for cell in row]
    return sum(map(measure, cells)) / len(cells) if cells else 0.0


def _field_names(rows: list[list[str]]) -> tuple[str, ...]:
    """Names for records whose every cell says its own (``Date: … || User: …``)."""
    named = [tuple(match[1] if (match := _FIELD.match(cell)) else "" for cell in row) for row in rows]
    names, count = Counter(named).most_common(1)[0]
    return names if all(names) and count >= 0.7 * len(rows) else ()
