"""The model server: what needs no weights, and its whole life with the real 0.5B."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from minrlm_nb.core.ports import Cancel, ChatModel
from minrlm_nb.core.records import Message, ModelRequest
from minrlm_nb.errors import LocalServerError, ModelFileError, RunStopped
from minrlm_nb.models.local import cpus, open_local, process
from minrlm_nb.models.local.process import LocalServer, end_servers, shared_server

CODE = ModelRequest(
    (
        Message("system", "You write Python. Reply with one ```python block."),
        Message("user", "Print the sum of 1 to 9."),
    ),
    max_output_tokens=100,
)
TALK = ModelRequest((Message("user", "What is the capital of France? One word."),), max_output_tokens=20)

SMALL_ENDINGS = [pytest.param("local:0.5b", id="with-prefix"), pytest.param("0.5B", id="name-alone")]


@pytest.fixture
def model() -> Iterator[ChatModel]:
    """The real 0.5B; its server is shared by the tests here."""
    model = open_local("local:0.5b")
    yield model
    model.close()


@pytest.fixture(scope="module", autouse=True)
def _servers_end() -> Iterator[None]:
    yield
    end_servers()


def server_of(model: ChatModel) -> LocalServer:
    from minrlm_nb.models.local.store import path

    assert model.name == "local:0.5b"
    return shared_server(path("0.5b"))


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_file_that_is_no_model_ends_with_the_servers_log(tmp_path: Path) -> None:
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"GGUF" + bytes(1000))
    server = LocalServer(junk)
    with pytest.raises(LocalServerError, match="did not start") as raised:
        server.endpoint()
    assert "junk.gguf" in str(raised.value)
    assert server.pid is None
    server.close()


def test_a_server_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stalls.gguf")
    server = LocalServer(tmp_path / "stalls.gguf", start_timeout_s=2)
    with pytest.raises(LocalServerError, match="not ready within 2 s"):
        server.endpoint()
    server.close()


def test_without_the_package_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LocalServerError, match=r"pip install 'minrlm-nb\[local\]'"):
        shared_server(tmp_path / "any.gguf")


def test_weights_that_are_not_here_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINRLM_CACHE", str(tmp_path))
    with pytest.raises(ModelFileError, match=r"minrlm-nb model get 1\.5b"):
        open_local()


@pytest.mark.embedded
@pytest.mark.parametrize("name", SMALL_ENDINGS)
def test_it_answers_by_either_name(name: str) -> None:
    model = open_local(name)
    assert "Paris" in model.ask(TALK, Cancel()).text
    model.close()


@pytest.mark.embedded
def test_a_request_for_code_gets_one_block(model: ChatModel) -> None:
    told: list[str] = []
    reply = model.ask(CODE, Cancel(), lambda text, is_reasoning: told.append(text))
    assert reply.text.startswith("```python\n")
    assert reply.text.endswith("```")
    assert "".join(told) == reply.text
    assert reply.usage.prompt_tokens > 10
    assert not reply.usage.estimated
    assert "/" not in reply.model


@pytest.mark.embedded
def test_a_sub_call_is_not_held_to_code(model: ChatModel) -> None:
    assert "```" not in model.ask(TALK, Cancel()).text


@pytest.mark.embedded
def test_later_models_find_the_server_running(model: ChatModel) -> None:
    model.ask(TALK, Cancel())
    pid = server_of(model).pid
    other = open_local("0.5b")
    other.ask(TALK, Cancel())
    other.close()
    assert server_of(model).pid == pid
    assert "Paris" in model.ask(TALK, Cancel()).text


@pytest.mark.embedded
def test_a_stop_ends_a_reply_at_once_and_the_next_is_whole(model: ChatModel) -> None:
    model.ask(TALK, Cancel())
    cancel = Cancel()
    long = ModelRequest((Message("user", "Count from 1 to 500."),), max_output_tokens=2000)
    with pytest.raises(RunStopped):
        model.ask(long, cancel, lambda text, is_reasoning: cancel.stop())
    assert "Paris" in model.ask(TALK, Cancel()).text


@pytest.mark.embedded
def test_a_killed_server_is_started_again_and_the_person_told(model: ChatModel) -> None:
    model.ask(TALK, Cancel())
    pid = server_of(model).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone_within(pid, 5)
    assert "Paris" in model.ask(TALK, Cancel()).text
    assert server_of(model).pid != pid


@pytest.mark.embedded
def test_a_server_killed_under_a_request_is_started_again(model: ChatModel) -> None:
    model.ask(TALK, Cancel())
    pid = server_of(model).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # so that the request is surely under way
    timer = threading.Timer(1.0, os.kill, (pid, signal.SIGKILL))
    timer.start()
    assert "Paris" in model.ask(TALK, Cancel()).text
    timer.join()
    assert model.notices() == ["the embedded model's server ended unexpectedly and was started again"]


@pytest.mark.embedded
def test_the_key_is_wanted_and_stands_in_no_command_line(model: ChatModel) -> None:
    server = server_of(model)
    endpoint = server.endpoint()
    child = psutil.Process(server.pid)
    seen = json.dumps([child.cmdline(), child.environ(), repr(endpoint), repr(model)])
    assert endpoint.api_key not in seen
    assert endpoint.base_url.startswith("http://127.0.0.1:")
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(f"{endpoint.base_url}/chat/completions", body)
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    raised.value.close()
    assert raised.value.code == 401


OWNER = """
import sys, time
from minrlm_nb.models.local import open_local
from minrlm_nb.models.local.process import shared_server
from minrlm_nb.models.local.store import path
model = open_local("0.5b")
server = shared_server(path("0.5b"))
server.endpoint()
print(server.pid, flush=True)
{then}
"""


def start_owner(then: str) -> tuple[subprocess.Popen[str], int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(then=then)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def end(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


@pytest.mark.embedded
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_owner_takes_the_server_along(how: signal.Signals) -> None:
    owner, pid = start_owner("time.sleep(60)")
    assert alive(pid)
    owner.send_signal(how)
    assert gone_within(pid, 5)
    end(owner)


@pytest.mark.embedded
def test_an_owner_that_ends_ends_the_server() -> None:
    owner, pid = start_owner("")
    assert gone_within(pid, 10)
    assert owner.wait(10) == 0
    end(owner)


@pytest.mark.embedded
def test_a_forked_copy_of_the_owner_neither_ends_nor_keeps_the_server() -> None:
    owner, pid = start_owner("import os\nif os.fork() == 0: sys.exit()\nos.wait(); print('up', flush=True); input()")
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    assert alive(pid)
    end(owner)
    assert gone_within(pid, 5)


@pytest.mark.embedded
def test_an_interrupt_of_the_owners_group_leaves_the_server(model: ChatModel) -> None:
    model.ask(TALK, Cancel())
    pid = server_of(model).pid
    assert pid is not None
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    assert "Paris" in model.ask(TALK, Cancel()).text
    assert server_of(model).pid == pid


def test_threads_keep_to_a_control_groups_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "CGROUPS", tmp_path)
    monkeypatch.setattr(cpus, "CORES", tmp_path)
    every = len(os.sched_getaffinity(0))
    assert cpus.usable_cores() == every
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert cpus.usable_cores() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cpus.usable_cores() == every
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert cpus.usable_cores() == 1


def test_hyper_threads_of_one_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "CGROUPS", tmp_path)
    monkeypatch.setattr(cpus, "CORES", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    for cpu in range(4):
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text(f"{cpu % 2},{cpu % 2 + 2}\n")
    assert cpus.usable_cores() == 2


def test_ending_servers_that_never_started_does_nothing() -> None:
    process.end_servers()
