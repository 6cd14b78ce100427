"""The README is executed: what it shows works as it is written."""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from minrlm_nb.options import OPTIONS
from minrlm_nb.testing import ScriptedServer

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COUNT = "```python\nFINAL(input_0.count('ERROR'))\n```"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def shell_commands() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if line]


@pytest.fixture(autouse=True)
def _an_endpoint_and_a_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "server.log").write_text("2026-11-22 ERROR a\n2026-11-22 INFO b\n2026-11-22 ERROR c\n")
    with ScriptedServer([COUNT], cycle=True) as server:
        monkeypatch.setenv("MINRLM_BASE_URL", server.base_url)
        monkeypatch.setenv("MINRLM_MODEL", "scripted")
        yield


def test_the_notebook_cells_run_as_they_are_shown() -> None:
    shell = InteractiveShell()
    try:
        results = [shell.run_cell(block) for block in blocks("ipython")]
        for result in results:
            result.raise_error()
        answer, tokens = results[-1].result
        assert answer == 2
        assert tokens > 0
        shell.run_cell("%unload_ext minrlm_nb")
    finally:
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()


def test_the_python_code_runs_as_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("2 answered")


def test_the_shell_commands_run_as_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    commands = [command for command in shell_commands() if ".venv" not in command]
    assert len(commands) >= 2
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "2" in done.stdout


def test_the_gate_runs_every_set_up_command() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    patterns = re.findall(r"\$\(readme '([^']+)'\)", gate)
    for command in filter(lambda command: ".venv" in command, shell_commands()):
        assert any(pattern in command for pattern in patterns), command


def test_every_option_is_in_the_table() -> None:
    for option in OPTIONS:
        assert re.search(rf"^\| `{', '.join(option.flags)} {option.metavar}` \|.*\|$", README, re.MULTILINE), (
            option.flags
        )


def test_every_part_of_the_package_is_on_the_map() -> None:
    for folder in sorted((ROOT / "minrlm_nb").iterdir()):
        if folder.is_dir() and (folder / "__init__.py").exists():
            assert f"`{folder.name}/`" in README, folder.name
