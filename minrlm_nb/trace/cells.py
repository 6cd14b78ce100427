"""The cells of a trace, as plain dictionaries in nbformat's shape, and what each says.

Everything that comes from a model, a kernel or an input is made inert by `minrlm_nb.trace.markdown` first.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..core.records import Output, RunRecord, Step, SubCall
from ..core.summary import answer_text, ending, facts, seconds, sub_calls, warnings
from ..profile import InputProfile
from ..profile.heat import heat_png
from ..profile.plain import one_line, plain
from ..wire import METADATA_KEY
from .codec import encode
from .markdown import code, folded, inert, labelled, preformatted, prose, quoted, table
from .outputs import kept, to_notebook
from .schema import CellMeta, Role, StepMeta

Cell = dict[str, Any]

MAX_ANSWER_CHARS: Final = 2_000
MAX_REASONING_CHARS: Final = 20_000
_TITLE_CHARS: Final = 90
_TASK_CHARS: Final = 6_000
_SHORT_ANSWER_CHARS: Final = 160
_INPUT_ROWS: Final = 50
_HEAT_STRIPS: Final = 8
_CALLS_SHOWN: Final = 25
_CALL_CHARS: Final = 1_500


def opening_cells(record: RunRecord, turn: int, profiles: Sequence[InputProfile]) -> list[Cell]:
    """Title with task and answer, facts, heat strips."""
    cells = [_markdown(_title(record, turn), turn, "title"), _markdown(_facts(record), turn, "facts")]
    if profiles:
        cells.append(_heat(profiles, turn))
    return cells


def step_cells(step: Step, turn: int, position: int, count: int) -> list[Cell]:
    """One step: its reasoning, its cell with outputs, and what came of its sub-calls.

    Parameters
    ----------
    turn, position
        Which turn, and the step's place in it; both from 1. They make the cells' ids.
    count
        The execution count that the cell shows.
    """
    reasoning = _markdown(_reasoning(step), turn, "reasoning", position)
    if step.code:
        cells = [reasoning, _code_cell(step, turn, position, count)]
    else:
        reasoning["metadata"] = _metadata(turn, "step", encode(step))
        cells = [reasoning]
    if after := _after(step):
        cells.append(_markdown(after, turn, "after", position))
    return cells


def closing_cells(record: RunRecord, turn: int) -> list[Cell]:
    """The answer, or why there is none; nothing while the run is under way."""
    if record.stop_reason is None and record.answer is None:
        return []
    parts = []
    if record.answer is not None:
        parts += ["## Answer", _answer(record)]
        if record.answer.note:
            parts.append(f"*{inert(one_line(record.answer.note, 400))}*")
    else:
        parts += ["## No answer", f"The run ended: {inert(ending(record))}."]
    if record.error:
        parts.append(preformatted(_cut(record.error, 2_000)))
    if record.notices:
        parts.append("\n".join(f"- {inert(one_line(notice, 600))}" for notice in record.notices[:50]))
    return [_markdown("\n\n".join(parts), turn, "answer")]


# -- what the cells say ----------------------------------------------------------------------------------------


def _title(record: RunRecord, turn: int) -> str:
    task = plain(record.task[:_TASK_CHARS])
    title = one_line(task, _TITLE_CHARS)
    parts = [f"# {inert(title)}" if turn == 1 else f"# {turn}. {inert(title)}"]
    if title != task.strip():
        parts.append(quoted(_cut(record.task, _TASK_CHARS)))
    if record.answer is not None:
        text = answer_text(record.answer, 4 * _SHORT_ANSWER_CHARS)
        parts.append(f"**Answer:** {inert(one_line(text, _SHORT_ANSWER_CHARS))}")
    parts += [f"**Note:** {inert(warning)}" for warning in warnings(record)]
    return "\n\n".join(parts)


def _facts(record: RunRecord) -> str:
    told = [["run", inert(record.started_at[:40])]]
    told += [[label, inert(one_line(value, 200))] for label, value in facts(record)]
    parts = [table([["", ""], *told])]
    if record.inputs:
        rows = [["input", "from", "kind", "characters", "lines", "sha256"]]
        rows += [
            [
                code(facts.name[:40]),
                inert(one_line(facts.label, 80)),
                inert(one_line(facts.kind, 20)),
                f"{facts.size:,}",
                f"{facts.lines:,}",
                code(facts.sha256[:12]) if facts.sha256 else "",
            ]
            for facts in record.inputs[:_INPUT_ROWS]
        ]
        parts.append(table(rows))
    if len(record.inputs) > _INPUT_ROWS:
        parts.append(f"and {len(record.inputs) - _INPUT_ROWS:,} inputs more")
    return "\n\n".join(parts)


def _heat(profiles: Sequence[InputProfile], turn: int) -> Cell:
    parts = ["Entropy along each input, in equal parts: dark repeats itself, yellow is dense."]
    pictures: dict[str, dict[str, str]] = {}
    for number, item in enumerate(profiles[:_HEAT_STRIPS]):
        name = f"heat-{number}.png"
        pictures[name] = {"image/png": base64.b64encode(heat_png(item.entropy)).decode("ascii")}
        parts.append(
            f"{code(item.name)} {inert(one_line(item.label, 80))}\n\n![{item.entropy.digits}](attachment:{name})"
        )
    cell = _markdown("\n\n".join(parts), turn, "heat")
    cell["attachments"] = pictures
    return cell


def _reasoning(step: Step) -> str:
    status = [f"step {step.number}"]
    if step.result is not None:
        status += [step.result.status, seconds(step.result.duration_s)]
    if step.decision:
        status.append(f"reviewer: {one_line(step.decision, 200)}")
    parts = [f"### {inert(' · '.join(status).capitalize())}"]
    if not step.code:
        parts.append("*The reply held no cell.*")
    text = step.reasoning if step.code or step.reasoning.strip() else step.reply
    if text.strip():
        parts.append(prose(_cut(text, MAX_REASONING_CHARS)))
    return "\n\n".join(parts)


def _after(step: Step) -> str:
    parts = []
    if step.result is not None and step.result.notices:
        parts.append("\n".join(f"- {inert(one_line(notice, 600))}" for notice in step.result.notices[:50]))
    if step.sub_calls:
        parts.append(folded(sub_calls(step.sub_calls), _calls(step.sub_calls)))
    return "\n\n".join(parts)


def _calls(calls: Sequence[SubCall]) -> list[str]:
    blocks = []
    for call in calls[:_CALLS_SHOWN]:
        blocks.append(labelled(f"{call.id}. {call.op}:", _cut(call.task, _CALL_CHARS)))
        if call.context:
            blocks.append(labelled("about:", _cut(call.context, _CALL_CHARS)))
        if call.error:
            blocks.append(labelled("failed:", _cut(call.error, _CALL_CHARS)))
        else:
            blocks.append(labelled("reply:", _cut(call.reply, _CALL_CHARS)))
    if len(calls) > _CALLS_SHOWN:
        blocks.append(f"<p>and {len(calls) - _CALLS_SHOWN:,} more, all in this cell's metadata</p>")
    return blocks


def _answer(record: RunRecord) -> str:
    assert record.answer is not None
    text = answer_text(record.answer)
    note = ""
    if len(text) > MAX_ANSWER_CHARS:
        note = f"\n\n*Cut: {MAX_ANSWER_CHARS:,} of {len(text):,} characters; this notebook's metadata holds the whole.*"
        text = text[:MAX_ANSWER_CHARS]
    shown = prose(text) if isinstance(record.answer.value, str) else preformatted(text)
    return shown + note


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… (cut: {limit:,} of {len(text):,} characters)"


# -- cells in nbformat's shape ---------------------------------------------------------------------------------


def _code_cell(step: Step, turn: int, position: int, count: int) -> Cell:
    source = step.code.encode("utf-8", "replace").decode("utf-8")
    outputs: Sequence[Output] = step.result.outputs if step.result else ()
    error = step.result.error if step.result else None
    shown = [to_notebook(output, error, count) for output in outputs]
    if error is not None and all(output.kind != "error" for output in outputs):
        told = Output("error", {"text/plain": error.traceback or f"{error.name}: {error.value}"})
        shown.append(to_notebook(told, error, count))
    meta = encode(step)
    if source == step.code:
        del meta["code"]
    if step.result is not None:
        meta["result"]["outputs"] = [kept(output, cell) for output, cell in zip(outputs, shown, strict=False)]
        meta["shown"] = len(shown)
    return {
        "cell_type": "code",
        "id": _id(turn, "step", position),
        "metadata": _metadata(turn, "step", meta),
        "execution_count": count if step.result is not None else None,
        "source": source,
        "outputs": shown,
    }


def _markdown(source: str, turn: int, role: Role, position: int | None = None) -> Cell:
    return {
        "cell_type": "markdown",
        "id": _id(turn, role, position),
        "metadata": _metadata(turn, role),
        "source": source,
    }


def _metadata(turn: int, role: Role, step: Mapping[str, Any] | StepMeta | None = None) -> dict[str, CellMeta]:
    meta: CellMeta = {"turn": turn, "role": role}
    if step is not None:
        meta["step"] = step  # type: ignore[typeddict-item]
    return {METADATA_KEY: meta}


def _id(turn: int, role: str, position: int | None) -> str:
    """The same for the same place in every trace, so that two traces compare cell by cell."""
    return f"turn-{turn}-{role}" if position is None else f"turn-{turn}-step-{position}-{role}"
