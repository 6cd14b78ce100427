"""Runs to notebook: which cells, in which order, with which metadata. The same runs give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from nbformat import NotebookNode, from_dict

from ..core.config import RunConfig
from ..core.records import Answer, RunRecord, Step
from ..core.summary import answer_text
from ..errors import TraceError
from ..profile import InputProfile
from ..wire import METADATA_KEY
from .cells import Cell, closing_cells, opening_cells, step_cells
from .codec import encode
from .schema import KERNEL_NAME, VERSION, NotebookMeta, Turn

_SETTINGS: Final = frozenset(field.name for field in fields(RunConfig))
_LANGUAGE: Final = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


@dataclass(frozen=True)
class TracedRun:
    """One run of a trace, and the profiles of its inputs for the heat strips."""

    record: RunRecord
    profiles: tuple[InputProfile, ...] = ()


class NotebookBuilder:
    """Builds the notebook of one or more runs; the text of a step that did not change is not made anew."""

    def __init__(self) -> None:
        self._steps: dict[tuple[int, int], tuple[Step, int, str]] = {}

    def notebook(self, runs: Sequence[TracedRun]) -> NotebookNode:
        """The notebook as nbformat has it."""
        cells: list[Cell] = []
        for turn, run, count in _numbered(runs):
            cells += opening_cells(run.record, turn, run.profiles)
            for position, step in enumerate(run.record.steps, 1):
                cells += step_cells(step, turn, position, count + position)
            cells += closing_cells(run.record, turn)
        node: NotebookNode = from_dict({"cells": cells, **_frame(runs)})
        return node

    def text(self, runs: Sequence[TracedRun]) -> str:
        """The notebook as the text of its file, laid out as Jupyter does it."""
        parts: list[str] = []
        for turn, run, count in _numbered(runs):
            parts.append(_layout(opening_cells(run.record, turn, run.profiles)))
            parts += [self._step(step, turn, i, count + i) for i, step in enumerate(run.record.steps, 1)]
            parts.append(_layout(closing_cells(run.record, turn)))
        cells = ",\n".join(part for part in parts if part)
        rest = json.dumps(_frame(runs), ensure_ascii=False, indent=1, sort_keys=True)
        return f'{{\n "cells": [\n{cells}\n ],\n{rest[2:]}\n'

    def _step(self, step: Step, turn: int, position: int, count: int) -> str:
        known = self._steps.get((turn, position))
        if known is None or known[0] is not step or known[1] != count:
            known = self._steps[turn, position] = (step, count, _layout(step_cells(step, turn, position, count)))
        return known[2]


def build_notebook(record: RunRecord, profiles: Sequence[InputProfile] = ()) -> NotebookNode:
    """Build the trace of one run.

    Parameters
    ----------
    record : RunRecord
        The run, finished or as far as it came.
    profiles : sequence of InputProfile
        For the heat strips; none, no strips.

    Notes
    -----
    An answer that JSON can't hold is kept as its text, with a note.
    """
    return NotebookBuilder().notebook([TracedRun(record, tuple(profiles))])


def _numbered(runs: Sequence[TracedRun]) -> Iterator[tuple[int, TracedRun, int]]:
    """Each run with its turn, from 1, and the number of steps before it."""
    count = 0
    for turn, run in enumerate(runs, 1):
        yield turn, run, count
        count += len(run.record.steps)


def _layout(cells: Sequence[Cell]) -> str:
    """JSON as nbformat writes it: one blank a level, sorted keys, long texts as lists of lines."""
    texts = (json.dumps(_split_lines(cell), ensure_ascii=False, indent=1, sort_keys=True) for cell in cells)
    return ",\n".join("  " + text.replace("\n", "\n  ") for text in texts)


def _split_lines(cell: Cell) -> Cell:
    cell = {**cell, "source": cell["source"].splitlines(keepends=True)}
    if "outputs" in cell:
        cell["outputs"] = [_split_output(output) for output in cell["outputs"]]
    if "attachments" in cell:
        cell["attachments"] = {name: _split_data(data) for name, data in cell["attachments"].items()}
    return cell


def _split_output(output: dict[str, Any]) -> dict[str, Any]:
    if "text" in output:
        return {**output, "text": output["text"].splitlines(keepends=True)}
    return {**output, "data": _split_data(output["data"])} if "data" in output else output


def _split_data(data: dict[str, Any]) -> dict[str, Any]:
    return {
        mime: value if mime.startswith("image/") else value.splitlines(keepends=True) for mime, value in data.items()
    }


def _frame(runs: Sequence[TracedRun]) -> dict[str, Any]:
    if not runs:
        raise TraceError("no run has begun, so there is nothing to trace yet")
    ours: NotebookMeta = {"version": VERSION, "turns": [_turn(run.record) for run in runs]}
    return {
        "metadata": {
            "kernelspec": {"display_name": "minRLM trace (Python)", "language": "python", "name": KERNEL_NAME},
            "language_info": _LANGUAGE,
            METADATA_KEY: ours,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _turn(record: RunRecord) -> Turn:
    """Encode a run without its steps. Only settings that we know are written, so nothing else can slip in."""
    settings = {name: value for name, value in record.config.items() if name in _SETTINGS}
    plain = replace(record, steps=(), config=settings)
    try:
        turn: Turn = encode(plain)
    except TraceError as error:
        # Only an answer can be so; what else the run holds must not be lost with it.
        if record.answer is None:
            raise
        turn = encode(replace(plain, answer=Answer(answer_text(record.answer), str(error))))
    turn["steps"] = [step.number for step in record.steps]
    return turn
