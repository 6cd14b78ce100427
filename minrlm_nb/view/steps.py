"""The steps of a run in the report, each folded: reasoning, code, outputs, sub-calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..core.records import CellResult, CellStatus, Output, RunRecord, Step, SubCall, Variable
from ..core.summary import counted, seconds, sub_calls, warnings
from ..profile.plain import one_line
from .highlight import highlighted
from .markup import Html, Room, element

MAX_STEPS: Final = (30, 20)
"""Steps shown from the start and from the end; those between are counted."""

_MAX_REASONING_CHARS: Final = 6_000
_MAX_CODE_CHARS: Final = 8_000
_MAX_OUTPUT_CHARS: Final = 8_000
_MAX_OUTPUTS: Final = 40
_MAX_CHARS: Final = 500_000
_MAX_IMAGE_CHARS: Final = 6 * 2**20
"""What all steps together may show, in characters of text and of base64."""

_MAX_CALLS: Final = 25
_MAX_CALL_CHARS: Final = 800
_MAX_VARIABLES: Final = 12
_IN_TRACE: Final = "the trace has the whole"

_IMAGES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_CODE_WORDS = re.compile(r"`([^`\n]{1,200})`")
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_MARKS: Final[dict[CellStatus, tuple[str, str]]] = {
    "ok": ("✓", "mrlm-ok"),
    "error": ("✗", "mrlm-bad"),
    "timeout": ("✗ took too long", "mrlm-bad"),
    "died": ("✗ kernel died", "mrlm-bad"),
    "interrupted": ("stopped", "mrlm-warn"),
}


def shown_steps(record: RunRecord) -> list[Html]:
    """Each step as a part that opens; open already where the code wants checking or there is no answer to read."""
    steps, (first, last) = record.steps, MAX_STEPS
    check_code = len(warnings(record)) > int(record.isolation == "none")
    opened = {step.number for step in steps if check_code}
    if steps and record.answer is None:
        opened.add(steps[-1].number)
    room = Room(_MAX_CHARS, _MAX_IMAGE_CHARS)
    if len(steps) <= first + last:
        return [_step(step, step.number in opened, room) for step in steps]
    between = element(
        "div", f"{len(steps) - first - last:,} steps more, all in the trace", class_="mrlm-part mrlm-note"
    )
    return [
        *(_step(step, False, room) for step in steps[:first]),
        between,
        *(_step(step, step.number in opened, room) for step in steps[-last:]),
    ]


def _step(step: Step, opened: bool, room: Room) -> Html:
    summary = element(
        "summary",
        element("span", str(step.number), class_="mrlm-number"),
        " ",
        element("span", _gist(step), class_="mrlm-gist"),
        " ",
        _mark(step.result),
        " ",
        element("span", _meta(step), class_="mrlm-meta"),
    )
    return element(
        "details",
        summary,
        element("div", *_body(step, room), class_="mrlm-body"),
        class_="mrlm-step",
        open="" if opened else None,
    )


def _gist(step: Step) -> str:
    """The first words of the reasoning, else the first line of the code."""
    words = step.reasoning.replace("`", "").replace("**", "").strip()
    return one_line(_first_line(words) or _first_line(step.code) or "no cell", 160)


def _first_line(words: str) -> str:
    return words.strip().partition("\n")[0]


def _mark(result: CellResult | None) -> Html:
    if result is None:
        return element("span", "not run", class_="mrlm-meta")
    sign, css = _MARKS[result.status]
    name = f" {one_line(result.error.name, 40)}" if result.status == "error" and result.error else ""
    return element("span", sign + name, class_=f"mrlm-meta {css}")


def _meta(step: Step) -> str:
    spent = step.model_s + (step.result.duration_s if step.result else 0.0)
    calls = f"{counted(len(step.sub_calls), 'sub-call')} · " if step.sub_calls else ""
    return f"{calls}{step.usage.total_tokens:,} tokens · {seconds(spent)}"


def _body(step: Step, room: Room) -> list[Html]:
    parts = []
    reasoning = step.reasoning.strip() or ("" if step.code else step.reply.strip())
    if reasoning:
        shown, more = room.cut(reasoning, _MAX_REASONING_CHARS, _IN_TRACE)
        parts.append(element("div", *_inline(shown), more, class_="mrlm-says"))
    if step.decision:
        parts.append(element("div", f"reviewer: {one_line(step.decision, 300)}", class_="mrlm-note"))
    if step.code:
        shown, more = room.cut(step.code, _MAX_CODE_CHARS, _IN_TRACE)
        parts += [
            element("pre", element("code", highlighted(shown), class_="mrlm-name"), class_="mrlm-pre mrlm-source"),
            more,
        ]
    if step.result is not None:
        parts += _result(step.result, room)
    if step.sub_calls:
        parts.append(_calls(step.sub_calls, room))
    return parts


def _inline(reasoning: str) -> list[str]:
    """Bold words and code of a model's markdown; all else stays as it was written."""
    pieces: list[str] = []
    for i, piece in enumerate(_CODE_WORDS.split(reasoning)):
        if i % 2:
            pieces.append(element("code", piece, class_="mrlm-name"))
        else:
            pieces += [element("b", word) if j % 2 else word for j, word in enumerate(_BOLD.split(piece))]
    return pieces


def _result(result: CellResult, room: Room) -> list[Html]:
    parts = [shown for output in result.outputs[:_MAX_OUTPUTS] for shown in _output(output, room)]
    if len(result.outputs) > _MAX_OUTPUTS:
        parts.append(
            element("div", f"{len(result.outputs) - _MAX_OUTPUTS:,} outputs more; {_IN_TRACE}", class_="mrlm-note")
        )
    if result.error is not None and all(output.kind != "error" for output in result.outputs):
        told = result.error.traceback or f"{result.error.name}: {result.error.value}"
        parts += _output(Output("error", {"text/plain": told}), room)
    parts += [element("div", one_line(notice, 400), class_="mrlm-note") for notice in result.notices[:_MAX_OUTPUTS]]
    if result.variables:
        parts.append(element("div", "made " + _variables(result.variables), class_="mrlm-note"))
    return parts


def _output(output: Output, room: Room) -> list[Html]:
    parts = []
    for mime in _IMAGES:
        image = output.data.get(mime, "")
        if image and _BASE64.fullmatch(image) and room.holds_image(len(image)):
            source = f"data:{mime};base64,{''.join(image.split())}"
            parts.append(element("img", src=source, alt=one_line(output.text, 200), class_="mrlm-image"))
    if output.text and not parts:
        shown, more = room.cut(output.text, _MAX_OUTPUT_CHARS, _IN_TRACE)
        parts += [element("pre", shown.rstrip("\n"), class_=f"mrlm-pre mrlm-out mrlm-{output.kind}"), more]
    return parts


def _variables(made: Sequence[Variable]) -> str:
    words = [
        f"{one_line(item.name, 40)} ({one_line(item.type, 40)}{'' if item.size is None else f' of {item.size:,}'})"
        for item in made[:_MAX_VARIABLES]
    ]
    more = f" and {len(made) - _MAX_VARIABLES:,} more" if len(made) > _MAX_VARIABLES else ""
    return ", ".join(words) + more


def _calls(calls: Sequence[SubCall], room: Room) -> Html:
    shown = [_call(call, room) for call in calls[:_MAX_CALLS]]
    if len(calls) > _MAX_CALLS:
        shown.append(element("div", f"{len(calls) - _MAX_CALLS:,} more; the trace has them all", class_="mrlm-note"))
    return element("details", element("summary", sub_calls(tuple(calls))), *shown, class_="mrlm-calls")


def _call(call: SubCall, room: Room) -> Html:
    task, more_task = room.cut(call.task, _MAX_CALL_CHARS, _IN_TRACE)
    reply, more_reply = room.cut(call.error or call.reply, _MAX_CALL_CHARS, _IN_TRACE)
    context = f" (about {len(call.context):,} characters of text)" if call.context else ""
    css = "mrlm-bad" if call.error else "mrlm-ok"
    head = f"{call.op} · {call.usage.total_tokens:,} tokens · {seconds(call.duration_s)}"
    return element(
        "div",
        element("div", head, class_="mrlm-note"),
        element("div", task, element("span", context, class_="mrlm-note"), more_task),
        element("div", "✗ " if call.error else "→ ", reply, more_reply, class_=css if call.error else None),
        class_="mrlm-call",
    )
