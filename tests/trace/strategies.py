"""Hypothesis strategies for records: whatever Python's types allow, however odd."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

from hypothesis import strategies as st

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.records import (
    Answer,
    CellError,
    CellResult,
    CellStatus,
    InputFacts,
    Output,
    Reads,
    RunRecord,
    Step,
    StopReason,
    SubCall,
    Usage,
    Variable,
)

texts = st.text(st.characters(exclude_categories=()), max_size=30)
"""Any text at all, lone surrogates and control characters included."""

_counts = st.integers(0, 2**70)
_floats = st.floats().map(abs)
_huge = st.integers(-(10**400), 10**400)
_MIMES = ["text/html", "image/png", "image/svg+xml", "json", "\ud800"]


def json_values() -> st.SearchStrategy[Any]:
    """What JSON can hold, and a little more: NaN, huge integers, lone surrogates, keys that look like ours."""
    leaves = st.none() | st.booleans() | _huge | st.floats() | texts
    keys = texts | st.just("json")
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
    )


usages = st.builds(Usage, _counts, _counts, _counts, st.none() | _floats, st.booleans())
outputs = st.builds(
    Output,
    st.sampled_from(["stdout", "stderr", "result", "display", "error"]),
    st.builds(
        lambda plain, others: {"text/plain": plain, **others},
        texts,
        st.dictionaries(st.sampled_from(_MIMES), texts | st.just("aGVsbG8="), max_size=2),
    )
    | st.dictionaries(st.sampled_from(_MIMES), texts, max_size=1),
)
calls = st.builds(
    SubCall,
    id=_counts,
    op=st.sampled_from(["sub_llm", "rlm"]),
    task=texts,
    context=texts,
    choices=st.none() | st.lists(texts, max_size=2).map(tuple),
    reply=texts,
    error=texts,
    usage=usages,
    duration_s=_floats,
)
results = st.builds(
    CellResult,
    status=st.sampled_from(get_args(CellStatus)),
    outputs=st.lists(outputs, max_size=4).map(tuple),
    error=st.none() | st.builds(CellError, texts, texts, texts, st.none() | _counts),
    duration_s=_floats,
    variables=st.lists(st.builds(Variable, texts, texts, st.none() | _counts, texts), max_size=2).map(tuple),
    notices=st.lists(texts, max_size=2).map(tuple),
    reads=st.builds(Reads, _counts, _counts, _counts, _counts),
    variables_lost=st.booleans(),
)
steps = st.builds(
    Step,
    number=_counts,
    reasoning=texts,
    code=texts,
    reply=texts,
    decision=st.none() | texts,
    result=st.none() | results,
    usage=usages,
    model_s=_floats,
    sub_calls=st.lists(calls, max_size=2).map(tuple),
)
records = st.builds(
    RunRecord,
    run_id=texts,
    task=texts,
    inputs=st.lists(st.builds(InputFacts, texts, texts, texts, _counts, _counts, texts), max_size=2).map(tuple),
    model=texts,
    isolation=texts,
    config=st.dictionaries(st.sampled_from([field.name for field in fields(RunConfig)]), json_values(), max_size=3),
    started_at=texts,
    steps=st.lists(steps, max_size=3, unique_by=lambda step: step.number).map(tuple),
    answer=st.none() | st.builds(Answer, json_values(), texts),
    stop_reason=st.none() | st.sampled_from(get_args(StopReason)),
    error=texts,
    usage=usages,
    duration_s=_floats,
    notices=st.lists(texts, max_size=2).map(tuple),
)
