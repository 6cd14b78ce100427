"""What a run gives its caller."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.records import RunRecord, Step, StopReason, Usage
from .errors import TraceError

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True, repr=False)
class RunResult:
    """A finished run. Two results are equal when their records are.

    Parameters
    ----------
    record
        Everything that happened, as plain values.
    trace
        The run as a notebook (nbformat 4.5).
    path
        Where the trace was saved, or None.
    """

    record: RunRecord
    trace: NotebookNode = field(compare=False)
    path: Path | None = field(default=None, compare=False)

    @property
    def answer(self) -> Any:
        """The typed value given to ``FINAL``, or None when there is no answer."""
        return None if self.record.answer is None else self.record.answer.value

    @property
    def text(self) -> str:
        """The answer as text; empty when there is no answer."""
        return "" if self.record.answer is None else self.record.answer.text

    @property
    def stop_reason(self) -> StopReason:
        """Why the run ended."""
        return self.record.stop_reason or "stopped"

    @property
    def error(self) -> str:
        """The message of the error that ended the run, or an empty text."""
        return self.record.error

    @property
    def steps(self) -> tuple[Step, ...]:
        """One record a step."""
        return self.record.steps

    @property
    def usage(self) -> Usage:
        """Tokens and dollars of all model calls together."""
        return self.record.usage

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.record.duration_s

    @property
    def isolation(self) -> str:
        """The isolation level achieved."""
        return self.record.isolation

    def save(self, path: str | Path) -> Path:
        """Write the trace to ``path`` and return it.

        Raises
        ------
        TraceError
            If the file can't be written.
        """
        from .trace.write import save_notebook

        target = Path(path).expanduser()
        try:
            save_notebook(self.trace, target)
        except OSError as error:
            raise TraceError(f"the trace could not be written to {target}: {error}; name another path") from error
        return target

    def __repr__(self) -> str:
        answer = repr(self.answer)
        shown = answer if len(answer) <= 200 else f"{answer[:200]}… ({len(answer):,} characters)"
        return (
            f"RunResult(answer={shown}, stop_reason={self.stop_reason!r}, steps={len(self.steps)}, "
            f"tokens={self.usage.total_tokens:,}, {self.duration_s:.1f} s)"
        )


def load_trace(path: str | os.PathLike[str]) -> RunResult:
    """Read a saved trace back: ``load_trace(result.save(path)) == result``.

    Raises
    ------
    TraceError
        If the file is not a trace, or a damaged one.
    """
    from .trace.read import load

    record, notebook = load(Path(path).expanduser())
    return RunResult(record, notebook, Path(path))
