"""What the words of a %%rlm cell name."""

from __future__ import annotations

from pathlib import Path

import pytest

from minrlm_nb.errors import ConfigError, InputError
from minrlm_nb.magic.names import check_name, fill_in, find_inputs


def test_a_name_in_braces_becomes_its_value() -> None:
    assert fill_in("Since {day}, over {n}?", {"day": "Monday", "n": 3}) == "Since Monday, over 3?"


@pytest.mark.parametrize("task", ["{unknown}", '{"a": 1}', "{0}", "{}", "{a.b}", "{{n}}", "{n!r}", "{n:>9}"])
def test_other_braces_stay_as_they_are(task: str) -> None:
    assert fill_in(task, {"n": 3, "a": 1}) == task


def test_a_value_too_long_for_a_task_is_an_input() -> None:
    with pytest.raises(ConfigError, match="give it as an INPUT"):
        fill_in("{log}", {"log": "x" * 5000})


def test_a_variable_wins_over_a_file_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log").write_text("file")
    assert find_inputs(["log"], {"log": "variable"}) == ("variable", ["log"])
    assert find_inputs(["log"], {}) == (Path("log"), ["log"])


def test_a_glob_gives_every_file_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.log", "a.log", "c.txt"):
        Path(name).write_text(name)
    found, labels = find_inputs(["*.log"], {})
    assert found == [Path("a.log"), Path("b.log")]
    assert labels == ["a.log", "b.log"]


def test_no_input_is_pure_computation() -> None:
    assert find_inputs([], {}) == ("", None)


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="did you mean 'sales'"):
        find_inputs(["sale"], {"sales": "1"})
    with pytest.raises(InputError, match="check the name"):
        find_inputs(["zzz"], {})


@pytest.mark.parametrize("name", ["1a", "a b", "class", "", "a.b"])
def test_the_output_must_be_the_name_of_a_variable(name: str) -> None:
    with pytest.raises(ConfigError, match="-o"):
        check_name(name)
