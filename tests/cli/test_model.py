"""``minrlm-nb model`` is part of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from minrlm_nb.cli import main


def test_models_are_listed_with_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINRLM_CACHE", str(tmp_path))
    assert main(["model", "list"]) == 0
    assert "minrlm-nb model get 1.5b" in capsys.readouterr().out


def test_a_model_that_is_not_here_is_exit_4_with_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINRLM_CACHE", str(tmp_path))
    assert main(["run", "How many?", "-m", "local"]) == 4
    assert "minrlm-nb model get" in capsys.readouterr().err
