"""``%%rlm`` in a real IPython shell."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from minrlm_nb import RunResult, load_trace
from minrlm_nb.testing import ScriptedServer

COUNT = "```python\nFINAL(input_0.count('ERROR'))\n```"
KEEP = "```python\nkept = input_0.count('ERROR')\nFINAL(kept)\n```"
GO_ON = "```python\nFINAL(kept + 1)\n```"


class Notebook:
    """A shell and the endpoint that its runs ask."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell

    def run(self, *lines: str) -> Any:
        return self.shell.run_cell("\n".join(lines)).raise_error()

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    @contextmanager
    def serve(self, *replies: str, **behaviour: Any) -> Iterator[ScriptedServer]:
        with ScriptedServer(list(replies) or [COUNT], cycle=True, **behaviour) as server:
            self.run(f"%config RLM.base_url = {server.base_url!r}", "%config RLM.model = 'scripted'")
            yield server


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    shell = InteractiveShell()
    shell.run_cell("%load_ext minrlm_nb").raise_error()
    yield Notebook(shell)
    shell.run_cell("%unload_ext minrlm_nb").raise_error()
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_text("ERROR a\nINFO b\nERROR c\n")
    return path


def test_a_question_about_a_file_is_answered_into_a_variable(notebook: Notebook, log: Path) -> None:
    with notebook.serve():
        notebook.run("%%rlm server.log", "How many ERROR lines?")
    assert notebook["answer"] == 2
    result = notebook["_rlm"]
    assert isinstance(result, RunResult)
    assert result.path is not None
    assert load_trace(result.path) == result


def test_options_of_the_cell_win_over_config(notebook: Notebook, log: Path) -> None:
    with notebook.serve() as server:
        notebook.run("%config RLM.max_steps = 3", "%config RLM.output = 'found'")
        notebook.run("%%rlm server.log -o errors --max-steps 5 --no-trace", "How many?")
        assert notebook["_rlm"].record.config["max_steps"] == 5
        assert notebook["_rlm"].path is None
        assert "found" not in notebook.shell.user_ns
        notebook.run(f"%%rlm server.log --base-url {server.base_url} --trace here.ipynb", "How many?")
    assert (notebook["errors"], notebook["found"]) == (2, 2)
    assert notebook["_rlm"].record.config["max_steps"] == 3
    assert Path("here.ipynb").exists()


def test_variables_globs_and_fields_are_found(notebook: Notebook, log: Path) -> None:
    (log.parent / "other.log").write_text("ERROR\n")
    with notebook.serve("```python\nFINAL([task_0, input_0, input_1, input_2])\n```"):
        notebook.run("text = 'ERROR here'", "day = 'Monday'")
        notebook.run("%%rlm text *.log", "What on {day}, {nobody}?")
    assert notebook["answer"] == ["What on Monday, {nobody}?", "ERROR here", "ERROR\n", log.read_text()]
    assert [facts.label for facts in notebook["_rlm"].record.inputs] == ["text", "other.log", "server.log"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["%%rlm nowhere.log", "How many?"], "no variable or file is named 'nowhere.log'"),
        (["%%rlm -o 1a", "How many?"], "-o needs"),
        (["%%rlm", "  "], "no task"),
        (["%%rlm --max-steps 0", "How many?"], "max_steps"),
        (["%%rlm --continue", "And?"], "no run to continue"),
        (["%%rlm --trace a.ipynb --no-trace", "How many?"], "exclude"),
        (["%%rlm --isolation docker", "How many?"], "docker"),
        (["%%rlm --no-such-option", "How many?"], "unrecognized"),
        (["%rlm nonsense"], "%rlm takes one of"),
        (["%rlm last"], "no run yet"),
    ],
)
def test_bad_words_are_usage_errors_before_any_model_call(notebook: Notebook, lines: list[str], message: str) -> None:
    with notebook.serve() as server, pytest.raises(UsageError, match=message):
        notebook.run(*lines)
    assert server.requests == []


def test_a_model_error_is_shown_with_its_remedy_and_binds_what_there_is(notebook: Notebook, log: Path) -> None:
    with notebook.serve(api_key="right"), pytest.raises(UsageError, match="key"):
        notebook.run("%%rlm server.log", "How many?")
    assert notebook["answer"] is None
    assert notebook["_rlm"].stop_reason == "model_error"


def test_no_answer_is_no_exception(notebook: Notebook, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with notebook.serve("```python\nprint(len(input_0))\n```"):
        notebook.run("%%rlm server.log --max-steps 2", "How many?")
    assert notebook["answer"] is None
    assert notebook["_rlm"].stop_reason == "max_steps"
    assert "steps" in capsys.readouterr().out


def test_a_further_question_goes_on_in_the_same_kernel_and_trace(notebook: Notebook, log: Path) -> None:
    with notebook.serve(KEEP, GO_ON):
        notebook.run("%%rlm server.log", "How many?")
        first = notebook["_rlm"].path
        notebook.run("%%rlm --continue -o more", "One more?")
    assert (notebook["answer"], notebook["more"]) == (2, 3)
    assert notebook["_rlm"].path == first
    assert load_trace(first).answer == 3
    assert "How many?" in first.read_text()


def test_a_mistyped_continuation_loses_nothing(notebook: Notebook, log: Path) -> None:
    with notebook.serve(KEEP, GO_ON):
        notebook.run("%%rlm server.log", "How many?")
        notebook.shell.user_ns["broken"] = object()
        with pytest.raises(UsageError, match="object"):
            notebook.run("%%rlm broken --continue", "One more?")
        notebook.run("%%rlm --continue", "One more?")
    assert notebook["answer"] == 3


def test_the_line_magic_tells_the_status_shows_the_last_run_and_resets(
    notebook: Notebook, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with notebook.serve():
        notebook.run("%rlm status")
        assert "scripted" in capsys.readouterr().out
        notebook.run("%%rlm server.log", "How many?")
        notebook.run("last = %rlm last")
        assert notebook["last"] is notebook["_rlm"]
        notebook.run("%rlm reset")
        with pytest.raises(UsageError, match="no run to continue"):
            notebook.run("%%rlm --continue", "And?")


def test_tab_completes_options_variables_and_files(notebook: Notebook, log: Path) -> None:
    notebook.run("sales = 'x'")

    def complete(line: str) -> set[str]:
        with provisionalcompleter():
            return {found.text for found in notebook.shell.Completer.completions(line, len(line))}

    assert "--max-steps" in complete("%%rlm --max")
    assert "sales" in complete("%%rlm sal")
    assert "server.log" in complete("%%rlm sales ser")


def test_the_manual_names_every_option(notebook: Notebook) -> None:
    from minrlm_nb.options import OPTIONS

    manual = notebook.shell.magics_manager.magics["cell"]["rlm"].__doc__
    for option in OPTIONS:
        assert option.flags[-1] in manual
    assert "--continue" in manual


def test_loading_twice_and_unloading_leave_one_or_none(notebook: Notebook) -> None:
    notebook.run("%reload_ext minrlm_nb", "%load_ext minrlm_nb")
    matchers = notebook.shell.Completer.custom_matchers
    assert len([m for m in matchers if hasattr(m, "_minrlm_matcher")]) == 1
    notebook.run("%unload_ext minrlm_nb")
    assert "rlm" not in notebook.shell.magics_manager.magics["cell"]
    assert not [m for m in matchers if hasattr(m, "_minrlm_matcher")]
    notebook.run("%load_ext minrlm_nb")
