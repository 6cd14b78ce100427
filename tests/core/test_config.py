"""Settings are checked once, with the field, the value and the range in the message."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from minrlm_nb import errors
from minrlm_nb.core.config import RunConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_steps", 0),
        ("max_steps", 2.5),
        ("max_steps", True),
        ("max_time_s", 0),
        ("max_time_s", math.inf),
        ("cell_timeout_s", -1),
        ("max_tokens", 0),
        ("max_cost_usd", 0),
        ("max_sub_calls", -1),
        ("sub_concurrency", 0),
        ("depth", 9),
        ("temperature", 3),
        ("temperature", "hot"),
        ("reasoning_effort", 3),
        ("isolation", "jail"),
        ("max_output_tokens", 0),
    ],
)
def test_a_value_out_of_range_is_named_in_the_error(field: str, value: Any) -> None:
    with pytest.raises(errors.ConfigError, match=rf"{field}.*{value!r}"):
        RunConfig(**{field: value})


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="max_stepz"):
        RunConfig.from_mapping({"max_stepz": 3})
    assert RunConfig.from_mapping(RunConfig(max_steps=3).as_dict()) == RunConfig(max_steps=3)


def test_a_level_of_a_later_version_is_refused_not_ignored() -> None:
    with pytest.raises(errors.NotAvailableError, match="docker"):
        RunConfig(isolation="docker")


@pytest.mark.parametrize(
    "kind", [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.RLMError)]
)
def test_every_error_survives_pickling_with_its_data(kind: type[errors.RLMError]) -> None:
    error = kind("it broke; mend it", where="here", limit=3)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "it broke; mend it"
    assert vars(again) == {"where": "here", "limit": 3}
