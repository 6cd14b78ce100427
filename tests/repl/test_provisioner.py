"""The kernelspec ``minrlm`` under other people's kernel managers: they ask for TCP, they get a private folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"minrlm-{os.getpid()}-*"))


def test_a_notebook_runs_under_nbclient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-5f2c")
    before = folders()
    cells = ["x = 6", "print(x * 7)", "import os; print('OPENAI_API_KEY' in os.environ)", "search('abc', 'b')[0][0]"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    NotebookClient(
        notebook, kernel_name="minrlm", timeout=60, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert notebook.cells[1].outputs[0].text == "42\n"
    assert notebook.cells[2].outputs[0].text == "False\n"
    assert notebook.cells[3].outputs[0].data["text/plain"] == "'b'"
    assert folders() == before


def test_a_manager_that_wants_tcp_gets_ipc_and_may_restart_the_kernel() -> None:
    before = folders()
    manager = KernelManager(kernel_name="minrlm")
    assert manager.transport == "tcp"
    manager.start_kernel()
    client: BlockingKernelClient = manager.blocking_client()
    try:
        assert manager.transport == "ipc"
        (folder,) = folders() - before
        assert folder.stat().st_mode & 0o777 == 0o700
        client.start_channels()
        client.wait_for_ready(timeout=60)
        assert client.execute_interactive("x = 1", timeout=60)["content"]["status"] == "ok"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=60)
        assert client.execute_interactive("x", timeout=60)["content"]["ename"] == "NameError"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        client.context.destroy()
    assert folders() == before
