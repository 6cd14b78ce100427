"""Records of runs as they really come, for the tests of trace and view."""

from __future__ import annotations

import random
from dataclasses import replace

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.events import (
    CellFinished,
    CellOutput,
    CellStarted,
    Event,
    ModelDelta,
    ModelReplied,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from minrlm_nb.core.records import (
    Answer,
    CellError,
    CellResult,
    InputFacts,
    ModelReply,
    Output,
    Reads,
    RunRecord,
    Step,
    SubCall,
    Usage,
    Variable,
)
from minrlm_nb.profile import InputProfile, profile

HOSTILE = (
    '<script>alert("xss")</script><img src=x onerror=alert(1)></pre></code></details></div></td>'
    "<style>*{display:none}</style><iframe src='javascript:alert(2)'></iframe>"
    "[click](javascript:alert(3)) ![spy](https://evil.example/pixel.png) [ref]: javascript:alert(4)\n"
    "<a href=\"javascript:alert(5)\" onmouseover='alert(6)'>x</a> &lt;b&gt; &#106;avascript: "
    "\\[x](javascript:alert(7))\n\n\n# Heading\n```html\n<svg onload=alert(8)>\n```\n"
    "`<b>` ``<u>`` `unclosed <i>\n    <form action=//evil.example>\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\ \x9b2J "
    "\x00\x07\x08 \r over\r\n\u202egnp.exe\u202c \ud800 lone \udfff "
    "$\\begin{x}<b>$ ]]> --> <!-- | table | @@0@@ ' \" ` ~~~\n"
)
"""Everything a model, a kernel or an input may try on a page, a notebook or a terminal."""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEUlEQVR42mOorSkBIiYGMAAAHh8C3RSD2joAAAAASUVORK5CYII="
"""A PNG of four pixels, in base64."""


def log_text(lines: int = 400) -> str:
    """A server log with an outburst of random bytes in its second half."""
    dice = random.Random(7)
    rows = []
    for i in range(lines):
        level = dice.choice(["INFO", "INFO", "INFO", "WARN", "ERROR"])
        rows.append(
            f"2026-11-22 {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d} {level} worker-{i % 7} took {i % 97} ms"
        )
        if lines * 0.7 < i < lines * 0.75:
            rows.append(f"payload {dice.getrandbits(600):x}")
    return "\n".join(rows) + "\n"


def log_profile() -> InputProfile:
    """Profile of `log_text`."""
    return profile(log_text(), "input_0", "server.log")


def sub_call(number: int, *, error: str = "") -> SubCall:
    """One sub-call, answered or failed."""
    return SubCall(
        id=number,
        op="sub_llm",
        task=f"Is the complaint in message {number} about delivery? Answer yes or no.",
        context=f"Message {number}: the parcel came two days late and the box was open.",
        choices=("yes", "no"),
        reply="" if error else "yes",
        error=error,
        usage=Usage(60, 1, 0, 0.00002),
        duration_s=0.05,
    )


def finished_run() -> RunRecord:
    """Three steps: a look at the data that fails, a count with a figure and sub-calls, the answer."""
    first = Step(
        number=1,
        reasoning="Let me look at the **levels** first. I use `df['level']` for that:\n\n- read\n- count",
        code="import pandas as pd\ndf = pd.read_csv(input_0)\nprint(df.head())",
        reply="Let me look…\n```python\nimport pandas as pd\n```",
        result=CellResult(
            "error",
            (
                Output("stdout", {"text/plain": "reading\n"}),
                Output(
                    "error",
                    {"text/plain": "Traceback (most recent call last):\n  line 1\nModuleNotFoundError: No module"},
                ),
            ),
            CellError("ModuleNotFoundError", "No module named 'pandas'", "Traceback …", 1),
            0.012,
            reads=Reads(1, 0, 1, 0),
        ),
        usage=Usage(1620, 48, 0, 0.0009),
        model_s=1.4,
    )
    second = Step(
        number=2,
        reasoning="There is no pandas. I count the lines with the standard library.",
        code=(
            "from collections import Counter\n\n"
            "# One pass over the lines: the third word is the level.\n"
            'levels = Counter(line.split()[2] for line in input_0.splitlines() if " " in line)\n'
            "errors = levels['ERROR']\n"
            "verdicts = sub_llm_batch([f'Is {name!r} an error level?' for name in levels])\n"
            "levels"
        ),
        reply="There is no pandas…",
        decision="run",
        result=CellResult(
            "ok",
            (
                Output("stderr", {"text/plain": "3 lines skipped\n"}),
                Output("result", {"text/plain": "Counter({'INFO': 240, 'ERROR': 84, 'WARN': 76})"}),
                Output("display", {"text/plain": "<Figure size 2x2>", "image/png": PIXEL}),
            ),
            None,
            0.84,
            (Variable("levels", "Counter", 3, "{'INFO': 240, …}"), Variable("errors", "int", None, "84")),
            ("the output of sub_llm_batch was cut to 2,000 characters",),
            Reads(2, 1, 1, 3),
        ),
        usage=Usage(1890, 96, 1024, 0.0011),
        model_s=1.9,
        sub_calls=(sub_call(1), sub_call(2), sub_call(3, error="rate limited after 3 tries")),
    )
    third = Step(
        number=3,
        reasoning="The count is there.",
        code="FINAL(errors)",
        reply="```python\nFINAL(errors)\n```",
        result=CellResult("ok", (), None, 0.003, reads=Reads(2, 1, 1, 3)),
        usage=Usage(2010, 12, 1536, 0.0004),
        model_s=0.6,
    )
    return RunRecord(
        run_id="3f9a1c5e77d0",
        task="How many ERROR lines are in the log?",
        inputs=(InputFacts("input_0", "server.log", "log", len(log_text()), 420, "ab" * 32),),
        model="gpt-5-mini",
        isolation="none",
        config=RunConfig().as_dict(),
        started_at="2026-11-22T12:44:05+00:00",
        steps=(first, second, third),
        answer=Answer(84),
        stop_reason="answered",
        usage=Usage(5700, 159, 2560, 0.0025),
        duration_s=4.9,
        notices=("cells run unboxed in this version",),
    )


def hostile_run() -> RunRecord:
    """A run in which every text is `HOSTILE`."""
    bad = HOSTILE
    call = SubCall(1, "sub_llm", bad, bad, (bad,), bad, "", Usage(1, 1), 0.1)
    failed = replace(call, id=2, reply="", error=bad)
    result = CellResult(
        "error",
        (
            *(Output(kind, {"text/plain": bad}) for kind in ("stdout", "stderr", "result", "display", "error")),
            Output(
                "display", {"text/plain": bad, "text/html": bad, "image/svg+xml": bad, "application/javascript": bad}
            ),
            Output("display", {"text/plain": bad, "image/png": f'"><script>{bad}', "image/jpeg": PIXEL}),
        ),
        CellError(bad, bad, bad, 1),
        0.5,
        (Variable(bad, bad, 1, bad),),
        (bad,),
    )
    steps = (
        Step(1, bad, bad, bad, bad, result, Usage(1, 1), 0.1, (call, failed)),
        Step(2, bad, "", bad, None, None, Usage(1, 1), 0.1),
    )
    return RunRecord(
        run_id=bad,
        task=bad,
        inputs=(InputFacts(bad, bad, bad, 10, 1, bad),),
        model="local:" + bad,
        isolation=bad,
        config=RunConfig().as_dict(),
        started_at=bad,
        steps=steps,
        answer=Answer(bad, bad),
        stop_reason="model_error",
        error=bad,
        usage=Usage(2, 2, 0, None, True),
        duration_s=1.0,
        notices=(bad,),
    )


def hostile_profile() -> InputProfile:
    """Profile of a hostile input with a hostile name."""
    return profile(HOSTILE * 40, "input_0", HOSTILE)


def events_of(record: RunRecord) -> list[Event]:
    """Tell a finished run as the engine would."""
    so_far = replace(record, steps=(), answer=None, stop_reason=None, error="", usage=Usage(), duration_s=0.0)
    events: list[Event] = [RunStarted(so_far)]
    for step in record.steps:
        reply = ModelReply(step.reply, "", "stop", step.usage, step.model_s, record.model)
        events += [StepStarted(step.number), ModelDelta(step.number, step.reply)]
        events.append(ModelReplied(step.number, reply, step.reasoning, step.code))
        if step.result is not None:
            events.append(CellStarted(step.number, step.code))
            for call in step.sub_calls:
                events.append(SubCallStarted(step.number, call.id, call.task, len(call.context)))
                events.append(SubCallFinished(step.number, call))
            events += [CellOutput(step.number, output) for output in step.result.outputs]
            events.append(CellFinished(step.number, step.result))
        so_far = so_far.with_step(step)
        events.append(StepFinished(step, so_far))
    events.append(RunFinished(record))
    return events
