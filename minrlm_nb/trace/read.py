"""A trace back into the record of its run, every value checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4.rwbase import rejoin_lines

from ..core.records import RunRecord, Step
from ..errors import TraceError
from ..wire import METADATA_KEY
from .codec import decode, wrong
from .outputs import read_outputs
from .schema import step_cells_of, turns_of


def load(path: str | os.PathLike[str]) -> tuple[RunRecord, NotebookNode]:
    """Read a trace: the record of its last run, and the notebook.

    Raises
    ------
    TraceError
        If the file can't be read, is not a trace, or is damaged; says what is wrong and where.
    """
    notebook = _read_json(Path(path))
    record = records_of(notebook, str(path))[-1]
    node: NotebookNode = rejoin_lines(from_dict(notebook))
    return record, node


def read_trace(path: str | os.PathLike[str]) -> RunRecord:
    """Read the record of a trace's last run.

    Raises
    ------
    TraceError
        As `load`.
    """
    return records_of(_read_json(Path(path)), str(path))[-1]


def records_of(notebook: Mapping[str, Any], where: str = "the notebook") -> tuple[RunRecord, ...]:
    """Records of all runs in a notebook, as ``json`` or nbformat read it; ``where`` names it in errors.

    Raises
    ------
    TraceError
        As `load`.
    """
    turns = turns_of(notebook, where)
    return tuple(_record(notebook, turn, number, f"{where}: turn {number}") for number, turn in enumerate(turns, 1))


def _record(notebook: Mapping[str, Any], turn: Mapping[str, Any], number: int, where: str) -> RunRecord:
    wanted = turn.get("steps")
    if not isinstance(wanted, list):
        raise wrong(f"{where}.steps", wanted, "a list of step numbers")
    steps = tuple(_step(cell, where) for cell in step_cells_of(notebook, number))
    found = [step.number for step in steps]
    if found != wanted:
        missing = [step for step in wanted if step not in found]
        what = f"step {missing[0]!r} has no cell" if missing else f"the cells of steps {found} should be {wanted}"
        raise TraceError(f"{where}: {what}; the trace was edited or damaged")
    return replace(decode(RunRecord, {**turn, "steps": []}, where), steps=steps)


def _step(cell: Mapping[str, Any], where: str) -> Step:
    meta = dict(cell["metadata"][METADATA_KEY]["step"])
    where = f"{where}, step {meta.get('number')!r}"
    if cell.get("cell_type") != "code":  # a reply without a cell: metadata has it all
        return decode(Step, meta, where)
    meta.setdefault("code", _source(cell, where))
    result = meta.get("result")
    if not isinstance(result, Mapping):
        return decode(Step, meta, where)
    outputs = read_outputs(cell, result.get("outputs"), meta.get("shown"), where)
    step = decode(Step, {**meta, "result": {**result, "outputs": []}}, where)
    return step if step.result is None else replace(step, result=replace(step.result, outputs=outputs))


def _source(cell: Mapping[str, Any], where: str) -> str:
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    if not isinstance(source, str):
        raise wrong(f"{where}: the cell's source", source, "text, or a list of its lines")
    return source


def _read_json(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TraceError(
            f"{path} can't be read: {error.strerror or error}; name a trace that minrlm_nb saved"
        ) from error
    except UnicodeDecodeError as error:
        raise TraceError(f"{path} is not UTF-8 text, so it is no notebook: {error}") from error
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"{path} is not a notebook: its JSON is damaged ({error})") from error
    if not isinstance(notebook, dict):
        raise TraceError(f"{path} is not a Jupyter notebook; name a trace that minrlm_nb saved")
    return notebook
