"""Kernels end with their owner, leave nothing behind, and are at hand when needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from minrlm_nb.errors import KernelError
from minrlm_nb.isolation import Level, achieve
from minrlm_nb.isolation.folders import SHARED_MEMORY, make_folder
from minrlm_nb.repl.kernel import LiveKernel
from minrlm_nb.repl.launcher import close_launcher
from minrlm_nb.repl.pool import KernelPool, close_all, shared_pool

from .driving import Driven, NewRepl, until

NONE = achieve("none")


def our_folders(pid: int) -> list[Path]:
    parents = {Path(tempfile.gettempdir()), SHARED_MEMORY}
    return [folder for parent in parents for folder in parent.glob(f"minrlm-{pid}-*")]


def open_files() -> int:
    return psutil.Process().num_fds()


# -- leaks -----------------------------------------------------------------------------------------------------


def test_twenty_sessions_leave_no_thread_file_descriptor_or_process(new_repl: NewRepl) -> None:
    close_all()
    new_repl().session.close()  # what the first session brings to stay: imports, caches
    close_all()
    threads, files, children = threading.active_count(), open_files(), len(psutil.Process().children())
    folders = our_folders(os.getpid())
    for number in range(20):
        repl = new_repl(context="x" * (2_000_000 if number == 0 else 1_000))
        assert repl.shows("sub_llm('x')") == "'X'"
        if number % 5 == 0:
            repl.run("import os; os._exit(1)")
        repl.session.close()
    close_all()
    assert threading.active_count() == threads
    assert open_files() <= files + 2  # what other tests had open may have been let go or opened meanwhile
    assert len(psutil.Process().children()) == children
    assert our_folders(os.getpid()) == folders


def test_an_inputs_file_is_gone_once_the_kernel_has_read_it(repl: Driven) -> None:
    repl.start("t", "y" * 3_000_000)
    left = [file for folder in our_folders(os.getpid()) for file in folder.glob("input-*")]
    assert left == []


def test_a_session_that_nobody_closed_ends_with_its_process() -> None:
    code = """
from minrlm_nb.repl.session import ReplSession
session = ReplSession()
session.start("t", (), lambda request, cancel: {"id": request["id"], "ok": True})
print(session._kernel.pid, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    until(lambda: not psutil.pid_exists(int(done.stdout)))
    assert done.stderr == ""


# -- owners that die ---------------------------------------------------------------------------------------------


OWNER = """
import sys, time
from minrlm_nb.core.ports import Cancel
from minrlm_nb.repl.pool import shared_pool
from minrlm_nb.repl.session import ReplSession
session = ReplSession()
session.start("t", (), lambda request, cancel: {"id": request["id"], "ok": True})
shared_pool().warm(session._level)
shared_pool().wait(session._level)
print("up", flush=True)
session.execute("BUSY" if sys.argv[1] == "idle" else "while True: pass", 600, Cancel())
time.sleep(600)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_kernel_outlives_an_owner_that_is_killed(state: str, how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, state], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        time.sleep(0.2)
        kernels = psutil.Process(owner.pid).children()
        assert len(kernels) == 2
        owner.send_signal(how)
        owner.wait()
    _, alive = psutil.wait_procs(kernels, timeout=1.0)
    assert [kernel for kernel in alive if kernel.status() != psutil.STATUS_ZOMBIE] == []
    sweep = "from minrlm_nb.isolation.folders import make_folder, remove_folder; remove_folder(make_folder())"
    subprocess.run([sys.executable, "-c", sweep], check=True, timeout=60)
    assert our_folders(owner.pid) == []


FORKING = """
import os, sys
from minrlm_nb.core.ports import Cancel
from minrlm_nb.repl.pool import close_all, shared_pool
from minrlm_nb.repl.session import ReplSession
answer = lambda request, cancel: {"id": request["id"], "ok": True}
session = ReplSession()
session.start("t", (), answer)
shared_pool().wait(session._level)
child = os.fork()
if child == 0:
    session.close()
    own = ReplSession()
    own.start("t", (), answer)
    assert own.execute("6 * 7", 10, Cancel()).outputs[0].text == "42"
    own.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert session.execute("6 * 7", 10, Cancel()).outputs[0].text == "42"
assert shared_pool().take(session._level).alive
session.close()
"""


def test_a_forked_child_leaves_its_parents_kernels_alone() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKING], check=True, timeout=60)


# -- the pool ----------------------------------------------------------------------------------------------------


def test_a_warm_kernel_is_taken_and_another_one_comes_up(new_repl: NewRepl) -> None:
    shared_pool().warm(NONE)
    assert shared_pool().wait(NONE)
    repl = new_repl()
    repl.assert_usable()
    assert shared_pool().wait(NONE), "a start asks for the next warm kernel"


def test_a_warm_kernel_that_died_is_not_handed_out(new_repl: NewRepl) -> None:
    shared_pool().warm(NONE)
    assert shared_pool().wait(NONE)
    for kernel in psutil.Process().children():
        if any("minrlm_nb.inkernel" in word for word in kernel.cmdline()):
            kernel.kill()
    new_repl().assert_usable()


def test_a_warm_kernel_with_another_environment_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = KernelPool()
    pool.warm(NONE)
    assert pool.wait(NONE)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    kernel = pool.take(NONE)
    assert kernel.environment["TZ"] == "Asia/Tokyo"
    kernel.close()
    pool.close()


def test_no_two_takers_get_the_same_kernel() -> None:
    pool = KernelPool()
    pool.warm(NONE)
    kernels: list[LiveKernel] = []
    threads = [threading.Thread(target=lambda: kernels.append(pool.take(NONE))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({kernel.folder for kernel in kernels}) == 3
    for kernel in kernels:
        kernel.close()
    pool.close()


def test_a_warm_start_that_fails_is_told_to_who_takes() -> None:
    def launch(level: Level, abandon: threading.Event) -> LiveKernel:
        raise KernelError("no kernels today")

    pool = KernelPool(launch)
    pool.warm(NONE)
    assert not pool.wait(NONE)
    with pytest.raises(KernelError, match="today"):
        pool.take(NONE)
    pool.close()


def test_closing_the_pool_abandons_a_start_under_way() -> None:
    pool = KernelPool()
    pool.warm(NONE)
    pool.close()
    pool.warm(NONE, delay_s=600)
    pool.close()
    assert not pool.wait(NONE)
    close_launcher()


def test_a_kernel_that_can_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(KernelError, match="/no/such/python"):
        LiveKernel(NONE)
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONHOME", "/no/such/home")
    with pytest.raises(KernelError, match="exited with code 1"):
        LiveKernel(NONE)


def test_a_folder_of_this_process_is_private(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
