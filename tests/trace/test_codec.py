import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from minrlm_nb.core.records import Answer, Output, RunRecord, Usage
from minrlm_nb.errors import TraceError
from minrlm_nb.trace.codec import decode, encode
from tests.records import finished_run
from tests.trace.same import same
from tests.trace.strategies import json_values, records


def _through_a_file(data: Any) -> Any:
    return json.loads(json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8"))


def _through_a_browser(data: Any) -> Any:
    """As JavaScript saves it: keys in another order, ``3.0`` as ``3``, integers as doubles."""
    if isinstance(data, dict):
        return {key: _through_a_browser(data[key]) for key in sorted(data)}
    if isinstance(data, list):
        return [_through_a_browser(item) for item in data]
    if isinstance(data, int) and not isinstance(data, bool):
        return int(float(data))
    return int(data) if isinstance(data, float) and data.is_integer() else data


@given(records)
def test_a_record_survives_a_file(record: RunRecord) -> None:
    assert same(decode(RunRecord, _through_a_file(encode(record)), "it"), record)


@given(records)
def test_a_record_survives_a_browser_that_saves_the_file(record: RunRecord) -> None:
    assert same(decode(RunRecord, _through_a_browser(_through_a_file(encode(record))), "it"), record)


@given(json_values())
def test_an_answer_keeps_value_type_and_order_of_keys(value: Any) -> None:
    assert same(decode(Answer, _through_a_browser(_through_a_file(encode(Answer(value)))), "it"), Answer(value))


@pytest.mark.parametrize("value", [42, 2.5, "text", True, None])
def test_a_plain_answer_is_readable_in_the_file(value: Any) -> None:
    assert encode(Answer(value)) == {"value": value, "note": ""}


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    assert decode(Usage, {"prompt_tokens": 3, "carbon_g": 0.2}, "it") == Usage(3)


def test_a_field_that_is_missing_takes_its_default() -> None:
    assert decode(Usage, {}, "it") == Usage()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"run_id": 7}, "it.run_id is 7; it should be str"),
        ({"usage": {"prompt_tokens": "many"}}, "it.usage.prompt_tokens is 'many'; it should be int"),
        ({"usage": {"prompt_tokens": True}}, "it.usage.prompt_tokens is True; it should be int"),
        ({"duration_s": "long"}, "it.duration_s is 'long'; it should be float"),
        ({"stop_reason": "bored"}, "it.stop_reason is 'bored'; it should be 'answered' or 'max_steps'"),
        ({"inputs": {}}, "it.inputs is {}; it should be a list"),
        ({"steps": [3]}, "it.steps[0] is 3; it should be an object"),
        ({"config": []}, "it.config is []; it should be an object"),
        ({"answer": {"value": [1]}}, "it.answer.value holds a list"),
        ({"answer": {"value": {"json": "{"}}}, "it.answer.value holds text that is not JSON"),
        ({"answer": {"value": {"jsn": "1"}}}, "it.answer.value holds an object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TraceError) as caught:
        decode(RunRecord, {**encode(finished_run()), **change}, "it")
    assert str(caught.value).startswith(complaint)


def test_a_missing_field_is_named() -> None:
    data = encode(finished_run())
    del data["task"]
    with pytest.raises(TraceError, match="it has no 'task'"):
        decode(RunRecord, data, "it")


def test_a_value_that_json_can_not_hold_is_refused_with_the_reason() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, 10**5000, {1, 2}):
        with pytest.raises(TraceError, match="can't be kept in the trace"):
            encode(Answer(value))


def test_a_mapping_whose_key_looks_like_ours_is_kept() -> None:
    output = Output("display", {"json": "1"})
    assert decode(Output, encode(output), "it") == output
    record = replace(finished_run(), config={"json": "{}"})
    assert decode(RunRecord, encode(record), "it") == record
