"""``minrlm-nb run`` as a shell sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from minrlm_nb import load_trace
from minrlm_nb.testing import ScriptedServer

COUNT = "```python\nn = input_0.count('ERROR')\nprint(n)\nFINAL(n)\n```"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([COUNT], cycle=True) as running:
        yield running


def shell(
    *words: str, server: ScriptedServer | None = None, stdin: bytes = b"", key: str = ""
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "MINRLM_"))}
    if server is not None:
        environment |= {"MINRLM_BASE_URL": server.base_url, "MINRLM_MODEL": "scripted"}
    if key:
        environment["MINRLM_API_KEY"] = key
    return subprocess.run(
        [sys.executable, "-m", "minrlm_nb", *words], input=stdin, capture_output=True, env=environment, check=False
    )


def test_only_the_answer_is_on_stdout(server: ScriptedServer, tmp_path: Path) -> None:
    Path("server.log").write_text("ERROR a\nERROR b\n")
    done = shell("run", "How many?", "server.log", server=server)
    assert (done.returncode, done.stdout) == (0, b"2\n")
    assert b"unboxed" in done.stderr
    assert len(list(tmp_path.glob("rlm_traces/*.ipynb"))) == 1


def test_runs_chain_in_pipes(server: ScriptedServer) -> None:
    first = shell("run", "How many?", "-", "--no-trace", server=server, stdin=b"ERROR ERROR ERROR")
    second = shell("run", "How many?", "-", "--no-trace", server=server, stdin=b"ERROR " + first.stdout)
    assert (first.stdout, second.stdout) == (b"3\n", b"1\n")
    assert not Path("rlm_traces").exists()


def test_steps_go_to_stderr_and_the_trace_where_it_is_told(server: ScriptedServer, tmp_path: Path) -> None:
    done = shell("run", "How many?", "-", "-s", "--trace", "t.ipynb", server=server, stdin=b"ERROR")
    assert done.stdout == b"1\n"
    assert b"input_0.count('ERROR')" in done.stderr
    assert load_trace(tmp_path / "t.ipynb").answer == 1


def test_json_tells_answer_usage_and_steps(server: ScriptedServer) -> None:
    done = shell("run", "How many?", "-", "--json", "--no-trace", server=server, stdin=b"ERROR")
    told = json.loads(done.stdout)
    assert (told["answer"], told["stop_reason"], told["isolation"]) == (1, "answered", "none")
    assert told["usage"]["prompt_tokens"] > 0
    assert told["steps"][0]["output"].startswith("1")


def test_several_files_and_globs_are_several_inputs(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        Path(name).write_text(name)
    with ScriptedServer(["```python\nFINAL(input_0 + input_1)\n```"]) as server:
        assert shell("run", "?", "*.txt", server=server).stdout == b"a.txtb.txt\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "?", "nowhere.log"], 2),
        (["run", "?", "-", "--max-steps", "0"], 2),
        (["run", "?", "--isolation", "docker"], 2),
        (["run"], 2),
        (["nonsense"], 2),
    ],
)
def test_bad_usage_is_exit_2_with_a_message(server: ScriptedServer, words: list[str], code: int) -> None:
    done = shell(*words, server=server)
    assert done.returncode == code
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert done.stderr
    assert server.requests == []


def test_no_answer_is_exit_3() -> None:
    with ScriptedServer(["```python\nprint(1)\n```"], cycle=True) as server:
        done = shell("run", "?", "-", "--max-steps", "2", server=server, stdin=b"x")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"--max-steps" in done.stderr


def test_a_model_error_is_exit_4() -> None:
    with ScriptedServer([COUNT], api_key="right") as server:
        done = shell("run", "?", "-", server=server, stdin=b"x", key="sk-canary-77aa")
    assert (done.returncode, done.stdout) == (4, b"")
    assert b"key" in done.stderr
    assert b"canary" not in done.stderr
