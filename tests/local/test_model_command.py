"""``minrlm-nb model …`` as typed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from minrlm_nb.models.local import cli
from minrlm_nb.models.local.catalog import ModelEntry

from . import tiny

Known = Callable[..., ModelEntry]


def run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="minrlm-nb")
    cli.add_parser(parser.add_subparsers(required=True))
    return cli.run(parser.parse_args(["model", *words]))


def test_get_path_list_and_remove(known: Known, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = known()
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(tiny.CONTENT)
    assert run("list") == 0
    assert "not here; minrlm-nb model get tiny" in capsys.readouterr().out
    assert run("get", "--file", str(mine)) == 0
    got = capsys.readouterr().out.strip()
    assert got.endswith(entry.file)
    assert run("path", "TINY") == 0
    assert capsys.readouterr().out.strip() == got
    assert run("list") == 0
    assert got in capsys.readouterr().out
    assert run("remove") == 0
    assert run("remove") == 0
    assert capsys.readouterr().out.splitlines() == ["tiny: removed", "tiny: nothing to remove"]


def test_a_model_that_is_not_here_ends_with_4(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    known()
    assert run("path") == 4
    assert "minrlm-nb model get tiny" in capsys.readouterr().err


def test_a_name_that_is_not_known_is_a_usage_error(known: Known, capsys: pytest.CaptureFixture[str]) -> None:
    known()
    with pytest.raises(SystemExit) as raised:
        run("get", "70b")
    assert raised.value.code == 2


def test_the_users_own_file_is_listed(
    known: Known, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known()
    monkeypatch.setenv("MINRLM_GGUF", "/models/mine.gguf")
    assert run("list") == 0
    assert "/models/mine.gguf" in capsys.readouterr().out
