"""What ``%%rlm`` leaves in the notebook: one self-contained page of a run, without scripts.

Everything is text until `minrlm_nb.view.markup` says otherwise, so nothing a model or an input wrote can act. Long
things are cut; the whole of them is in the trace. Where styles are stripped (GitHub, a notebook not trusted yet) the
blanks between the parts of a line keep its words apart.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from ..core.records import InputFacts, RunRecord, StopReason
from ..core.summary import answer_text, ending, facts, warnings
from ..profile import InputProfile
from ..profile.heat import heat_png
from ..profile.plain import one_line, plain
from .markup import Html, cut, element, joined
from .steps import shown_steps
from .theme import ROOT_CLASS, style_sheet

MAX_ANSWER_CHARS: Final = 2_000
_MAX_TASK_CHARS: Final = 2_000
_MAX_INPUTS: Final = 20
_MAX_NOTICES: Final = 20
_BIG_CHARS: Final = 60

_CHIPS: Final[Mapping[StopReason, str]] = {"answered": "mrlm-ok", "model_error": "mrlm-bad", "kernel_error": "mrlm-bad"}


def report_html(record: RunRecord, profiles: Sequence[InputProfile] = (), variable: str = "answer") -> str:
    """Build the report of a run.

    Parameters
    ----------
    record : RunRecord
        The run, finished or as far as it came.
    profiles : sequence of InputProfile
        Of its inputs, matched by name; those get a heat strip.
    variable : str, default "answer"
        The variable that holds the answer, for the note on a long one.

    Returns
    -------
    str
        A ``div`` with its own style sheet; follows the light or dark theme around it.
    """
    # One attribute on the root keeps JupyterLab from taking keys typed in here for its shortcuts.
    return element(
        "div",
        style_sheet(),
        element(
            "div",
            _head(record),
            _answer(record, variable),
            _banners(record),
            _facts(record),
            _inputs(record, profiles),
            *shown_steps(record),
            class_="mrlm-card",
        ),
        class_=ROOT_CLASS,
        data_lm_suppress_shortcuts="true",
    )


def report_text(record: RunRecord) -> str:
    """Say the same in a few lines of plain text."""
    lines = []
    if record.answer is not None:
        lines.append(plain(answer_text(record.answer, MAX_ANSWER_CHARS)))
    elif record.error:
        lines.append(f"no answer: {one_line(record.error, 600)}")
    else:
        lines.append(f"no answer: {ending(record)}")
    lines.append("(" + " · ".join(_told(label, one_line(value, 120)) for label, value in facts(record)) + ")")
    lines += warnings(record)
    return "\n".join(lines)


def _told(label: str, value: str) -> str:
    return value if label in ("ended", "model", "time", "cost") else f"{label} {value}"


def _head(record: RunRecord) -> Html:
    task, more = cut(record.task.strip(), _MAX_TASK_CHARS, "the trace has the whole task")
    css = "mrlm-busy" if record.stop_reason is None else _CHIPS.get(record.stop_reason, "mrlm-warn")
    chip = element("span", ending(record), class_=f"mrlm-chip {css}")
    return element("div", element("div", task, more, class_="mrlm-task"), " ", chip, class_="mrlm-head")


def _answer(record: RunRecord, variable: str) -> Html:
    if record.answer is None:
        if not record.error:
            return Html("")
        error, more = cut(record.error, MAX_ANSWER_CHARS, "the trace has the whole")
        label = element("div", "Error", class_="mrlm-label")
        return element("div", label, element("div", error, more, class_="mrlm-answer mrlm-bad"), class_="mrlm-part")
    whole = answer_text(record.answer)
    shown, more = cut(whole, MAX_ANSWER_CHARS, f"the variable {variable} has the whole")
    css = "mrlm-answer"
    if len(whole) <= _BIG_CHARS and "\n" not in whole:
        css += " mrlm-big"
    elif not isinstance(record.answer.value, str):
        css += " mrlm-json"
    note = element("div", one_line(record.answer.note, 400), class_="mrlm-note") if record.answer.note else ""
    label = element("div", "Answer", class_="mrlm-label")
    return element("div", label, element("div", shown, class_=css), more, note, class_="mrlm-part")


def _banners(record: RunRecord) -> Html:
    told = [element("div", _sentence(warning), class_="mrlm-banner") for warning in warnings(record)]
    if record.error and record.answer is not None:
        told.append(element("div", one_line(record.error, 600), class_="mrlm-banner mrlm-bad"))
    told += [element("div", one_line(notice, 400), class_="mrlm-note") for notice in record.notices[:_MAX_NOTICES]]
    return element("div", *told, class_="mrlm-part") if told else Html("")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _facts(record: RunRecord) -> Html:
    shown = [
        element(
            "div",
            element("span", label, class_="mrlm-label"),
            " ",
            element("span", one_line(value, 120), class_="mrlm-value"),
            class_="mrlm-fact",
        )
        for label, value in facts(record)
        if label != "ended"
    ]
    return element("div", element("div", *shown, class_="mrlm-facts"), class_="mrlm-part")


def _inputs(record: RunRecord, profiles: Sequence[InputProfile]) -> Html:
    if not record.inputs:
        return Html("")
    known = {item.name: item for item in profiles}
    rows = [_input(facts, known.get(facts.name)) for facts in record.inputs[:_MAX_INPUTS]]
    if len(record.inputs) > _MAX_INPUTS:
        rows.append(element("div", f"and {len(record.inputs) - _MAX_INPUTS:,} inputs more", class_="mrlm-note"))
    return element("div", *rows, class_="mrlm-part")


def _input(facts: InputFacts, known: InputProfile | None) -> Html:
    kind, name = one_line(facts.kind, 20), one_line(facts.name, 40)
    words = f" {one_line(facts.label, 80)} · {kind} · {facts.size:,} characters · {facts.lines:,} lines"
    told = element("div", element("code", name, class_="mrlm-name"), words, class_="mrlm-note")
    strip = Html("") if known is None or not known.entropy.sections else heat_strip(known)
    return element("div", told, strip, class_="mrlm-input")


def heat_strip(profile: InputProfile) -> Html:
    """The entropy map as a strip: a picture, so that it shows even where styles are stripped, with tooltips over it."""
    found = profile.entropy
    picture = base64.b64encode(heat_png(found)).decode("ascii")
    cells = [
        element(
            "span",
            title=f"characters {section.start:,} to {section.end:,}: density {section.value:.2f}"
            + (", unlike the rest" if i in found.spikes else ""),
            class_="mrlm-spike" if i in found.spikes else None,
        )
        for i, section in enumerate(found.sections)
    ]
    image = element(
        "img",
        src=f"data:image/png;base64,{picture}",
        alt=f"entropy in {len(cells)} equal parts, 0 repeats, 9 is dense: {found.digits}",
    )
    return element("div", joined(image, element("div", *cells, class_="mrlm-cells")), class_="mrlm-heat")
