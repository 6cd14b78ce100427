"""How the kernel's process starts and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from .live import LiveKernel

OWNER = """
import sys, time
from tests.inkernel.live import LiveKernel
kernel = LiveKernel(owned={owned})
kernel.seed("text")
kernel.client.execute({code!r})
time.sleep(0.3)
print(kernel.process.pid, flush=True)
time.sleep(60)
"""


def start_owner(code: str, folder: Path, *, owned: bool = True) -> tuple[subprocess.Popen[str], psutil.Process]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(code=code, owned=owned)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder)},
    )
    assert owner.stdout is not None
    return owner, psutil.Process(int(owner.stdout.readline()))


def gone(process: psutil.Process, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    "code",
    [
        "1",
        "while True: pass",
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",  # holds the interpreter lock for hours
        "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; sub_llm('never')",
    ],
)
def test_no_kernel_outlives_its_killed_owner(tmp_path: Path, code: str) -> None:
    owner, kernel = start_owner(code, tmp_path)
    owner.kill()
    owner.communicate()
    assert gone(kernel, within_s=1.0)


def test_a_kernel_whose_owner_is_gone_already_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "minrlm_nb.inkernel", "-f", "k.json", "--owned", "1"]
    assert subprocess.run(command, cwd=tmp_path, timeout=30).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_closed_call_channel_ends_an_owned_kernel() -> None:
    kernel = LiveKernel()
    assert kernel.driver is not None
    kernel.driver.hang_up()
    assert kernel.process.wait(1.0) != 0
    kernel.clean_up()


def test_a_closed_call_channel_fails_the_calls_of_a_kernel_that_is_nobodys() -> None:
    kernel = LiveKernel(owned=False)
    assert kernel.driver is not None
    kernel.seed("text")
    kernel.driver.hang_up()
    assert "the call channel to the driver is closed" in kernel.run("sub_llm('a')").error
    assert kernel.run("6 * 7").echo == "42"
    kernel.shut_down()


def test_a_shutdown_request_is_obeyed_though_a_thread_of_a_cell_runs_on() -> None:
    kernel = LiveKernel()
    kernel.run("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()")
    began = time.monotonic()
    kernel.shut_down()
    assert time.monotonic() - began < 20


def test_the_kernel_reads_and_writes_nothing_of_its_owners(tmp_path: Path) -> None:
    home = tmp_path / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("print('start-up'); leaked = 1")
    (startup.parent / "ipython_config.py").write_text("raise SystemExit('configuration was read')")
    before = sorted(home.rglob("*"))
    kernel = LiveKernel(HOME=str(home), IPYTHONDIR=str(home / ".ipython"), TMPDIR=str(home))
    assert kernel.run("1 / 0").status == "error"
    assert kernel.run("'leaked' in globals()").echo == "False"
    kernel.shut_down()
    assert sorted(home.rglob("*")) == before


def test_jupyter_itself_can_start_the_kernel(tmp_path: Path) -> None:
    spec = {"argv": [sys.executable, "-m", "minrlm_nb.inkernel", "-f", "{connection_file}"], "display_name": "it"}
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "kernel.json").write_text(json.dumps(spec))
    manager = KernelManager(
        kernel_name="it",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path)], ensure_native_kernel=False),
        connection_file=str(tmp_path / "connection.json"),
    )
    manager.start_kernel(env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        shown: list[dict[str, Any]] = []
        reply = client.execute_interactive("x = 6\nFINAL(x * 7)", output_hook=shown.append, timeout=30)
        assert reply["content"]["status"] == "ok"
        assert [message["content"]["data"]["text/plain"] for message in shown if "data" in message["content"]] == ["42"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()
        manager.context.destroy(0)


def test_interrupting_a_starting_kernel_does_not_kill_it() -> None:
    kernel = LiveKernel()
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.run("6 * 7").echo == "42"
    kernel.shut_down()


HEAVY = ["openai", "ipywidgets", "nbformat", "numpy", "pandas", "matplotlib", "debugpy"]


def test_importing_the_kernel_brings_nothing_heavy() -> None:
    code = f"import sys, minrlm_nb.inkernel.app; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_started_kernel_holds_nothing_heavy_and_can_import_what_it_left_out(kernel: LiveKernel) -> None:
    names = [*HEAVY, "jedi"]
    assert kernel.run(f"import sys\n[name for name in {names} if name in sys.modules]").echo == "[]"
    assert kernel.run("import debugpy\ndebugpy.__name__").echo == "'debugpy'"
