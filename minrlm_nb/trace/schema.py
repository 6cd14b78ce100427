"""What a trace keeps in its metadata, under ``minrlm`` (version 1), and the checks made when one is read.

The notebook's own metadata holds one `Turn` for each run in the trace, each of our cells a `CellMeta`. A step's code
and outputs are the cell's own source and outputs; metadata repeats them only where the visible ones are not exact.
Values are encoded by `minrlm_nb.trace.codec`. Unknown names are passed over when reading; a higher version is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypedDict

from ..errors import TraceError
from ..wire import METADATA_KEY
from .codec import wrong

VERSION: Final = 1
KERNEL_NAME: Final = "minrlm"

Role = Literal["title", "facts", "heat", "reasoning", "step", "after", "answer"]

Encoded = Any
"""What `minrlm_nb.trace.codec.encode` makes of a value."""


class NotebookMeta(TypedDict):
    """``metadata.minrlm`` of the notebook."""

    version: int
    turns: list[Turn]


class Turn(TypedDict):
    """One run: the fields of `minrlm_nb.core.records.RunRecord`, ``steps`` being their numbers only."""

    run_id: str
    task: Encoded
    inputs: list[Encoded]
    model: Encoded
    isolation: Encoded
    config: Encoded
    started_at: Encoded
    steps: list[int]
    answer: Encoded
    stop_reason: str | None
    error: Encoded
    usage: Encoded
    duration_s: float
    notices: list[Encoded]


class StepMeta(TypedDict, total=False):
    """The fields of `minrlm_nb.core.records.Step`, in the metadata of the step's cell.

    ``code`` is there only when the cell's source is not exact. In ``result``, ``outputs`` has one entry an output:
    null when the cell shows it exactly, else the output itself; ``shown`` counts the outputs written, so that a cell
    that was run again is noticed.
    """

    number: int
    reasoning: Encoded
    reply: Encoded
    decision: Encoded
    result: Encoded
    usage: Encoded
    model_s: float
    sub_calls: list[Encoded]
    code: Encoded
    shown: int


class CellMeta(TypedDict, total=False):
    """``metadata.minrlm`` of a cell; ``turn`` is counted from 1, ``step`` only on the cell that stands for a step."""

    turn: int
    role: Role
    step: StepMeta


def turns_of(notebook: Any, where: str) -> list[Mapping[str, Any]]:
    """Find the turns in a notebook's metadata.

    Raises
    ------
    TraceError
        If it is no notebook of format 4, no trace, or a trace of a later version; ``where`` names it.
    """
    if not isinstance(notebook, Mapping) or not isinstance(notebook.get("cells"), list):
        raise TraceError(f"{where} is not a Jupyter notebook of format 4; name a trace that minrlm_nb saved")
    ours = _ours(notebook)
    if ours is None:
        raise TraceError(f"{where} is a notebook but not a trace: its metadata holds nothing of minrlm_nb")
    version = ours.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise wrong(f"{where}: metadata.minrlm.version", version, f"a whole number from 1 to {VERSION}")
    if version > VERSION:
        raise TraceError(
            f"{where} is a trace of version {version}; this minrlm_nb reads up to {VERSION}: upgrade it",
            version=version,
        )
    turns = ours.get("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
        raise wrong(f"{where}: metadata.minrlm.turns", turns, "a list of at least one object")
    return turns


def step_cells_of(notebook: Mapping[str, Any], turn: int) -> list[Mapping[str, Any]]:
    """Cells that stand for the steps of one turn, in the order of the notebook."""
    found = []
    for cell in notebook["cells"]:
        meta = _ours(cell) if isinstance(cell, Mapping) else None
        if meta is not None and meta.get("turn") == turn and isinstance(meta.get("step"), Mapping):
            found.append(cell)
    return found


def _ours(thing: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metadata = thing.get("metadata")
    ours = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    return ours if isinstance(ours, Mapping) else None
