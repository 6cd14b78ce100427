"""``%%rlm`` in a real notebook kernel, driven as a front end drives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import BlockingKernelClient, KernelManager
from nbclient import NotebookClient

from minrlm_nb import load_trace
from minrlm_nb.testing import ScriptedServer

COUNT = "```python\nn = input_0.count('ERROR')\nprint('<script>alert(1)</script>', n)\nFINAL(n)\n```"


def execute(*sources: str) -> list[Any]:
    """Run cells in a fresh notebook and give each one's outputs."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ScriptedServer([COUNT], cycle=True) as running:
        monkeypatch.setenv("MINRLM_BASE_URL", running.base_url)
        monkeypatch.setenv("MINRLM_MODEL", "scripted")
        yield running


def test_the_cell_ends_with_one_report_and_the_next_sees_the_answer(server: ScriptedServer) -> None:
    Path("server.log").write_text("ERROR a\nERROR b\n")
    _, outputs, after = execute("%load_ext minrlm_nb", "%%rlm server.log\nHow many?", "print(answer, _rlm.stop_reason)")
    assert [output.output_type for output in outputs] == ["display_data"]
    html, text = outputs[0].data["text/html"], outputs[0].data["text/plain"]
    assert "How many?" in html
    assert "<script" not in html
    assert "unboxed" in html
    assert "2" in text
    assert after[0].text == "2 answered\n"
    assert len(list(Path("rlm_traces").glob("*.ipynb"))) == 1


def test_async_and_plain_calls_work_where_a_loop_already_runs(server: ScriptedServer) -> None:
    _, plain, awaited = execute(
        "from minrlm_nb import RLM\nrlm = RLM()",
        "rlm.completion('How many?', 'ERROR').answer",
        "(await rlm.acompletion('How many?', 'ERROR ERROR')).answer",
    )
    assert plain[0].data["text/plain"] == "1"
    assert awaited[0].data["text/plain"] == "2"


class Kernel:
    """A notebook kernel and what it said last."""

    def __init__(self, client: BlockingKernelClient, manager: KernelManager) -> None:
        self.client = client
        self.manager = manager

    def run(self, code: str) -> dict[str, Any]:
        return self.finish(self.client.execute(code))

    def finish(self, request: str) -> dict[str, Any]:
        while True:
            reply = self.client.get_shell_msg(timeout=60)
            if reply["parent_header"]["msg_id"] == request:
                content: dict[str, Any] = reply["content"]
                return content


@pytest.fixture
def kernel(server: ScriptedServer) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(client, manager)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("reply", "waiting_for"),
    [
        ("```python\nwhile True: pass\n```", "while True"),
        ("```python\nsub_llm('slow')\n```", "sub_llm"),
    ],
)
def test_an_interrupt_ends_model_and_cell_and_leaves_a_partial_trace(
    kernel: Kernel, server: ScriptedServer, reply: str, waiting_for: str
) -> None:
    with ScriptedServer([reply], "never", sub_latency_s=60) as slow:
        assert kernel.run(f"%load_ext minrlm_nb\n%config RLM.base_url = {slow.base_url!r}")["status"] == "ok"
        request = kernel.client.execute("%%rlm --trace run.ipynb\nHow long?")
        deadline = time.monotonic() + 30
        while not (Path("run.ipynb").exists() and waiting_for in Path("run.ipynb").read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kernel.manager.interrupt_kernel()
        ended = kernel.finish(request)
    assert (ended["status"], ended["ename"]) == ("error", "KeyboardInterrupt")
    assert load_trace("run.ipynb").stop_reason == "stopped"
    alive = "[t.name for t in __import__('threading').enumerate() if t.name == 'minrlm-run']"
    assert kernel.run(f"assert {alive} == [] and _rlm.stop_reason == 'stopped'")["status"] == "ok"
