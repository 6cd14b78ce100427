"""A REPL kernel under test: plain jupyter_client on one side, a small call server on the other."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from minrlm_nb.wire import (
    ANSWER_MIME,
    CALLS_FLAG,
    METADATA_KEY,
    OWNED_FLAG,
    SEED_REQUEST,
    STDIN_CALL_PREFIX,
    pack_frame,
    read_frame,
)

PATIENCE_S = 30.0
TOGETHER = 20
"""So many requests whose task says "together" are answered only once all of them are in."""


@dataclass
class Ran:
    """What a cell did, as the messages told."""

    status: str = ""
    stdout: str = ""
    stderr: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    displays: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def echo(self) -> str:
        """The text of the last expression."""
        return str(self.result.get("text/plain", ""))

    @property
    def notices(self) -> list[str]:
        """The kernel's remarks."""
        return list(self.report["notices"])

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """The variables reported, by name."""
        return {variable["name"]: variable for variable in self.report["variables"]}

    @property
    def error(self) -> str:
        """Name and message of the error, as one text."""
        return f"{self.reply.get('ename', '')}: {self.reply.get('evalue', '')}"

    @property
    def answer(self) -> dict[str, Any] | None:
        """The answer as displayed."""
        return next((shown[ANSWER_MIME] for shown in self.displays if ANSWER_MIME in shown), None)


class Driver:
    """Answers calls: the task in upper case, unless the task asks for something else."""

    def __init__(self, path: Path) -> None:
        self.requests: list[dict[str, Any]] = []
        self._together = threading.Barrier(TOGETHER)
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._connection: socket.socket | None = None
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._released = threading.Event()
        self._threads[0].start()

    def send(self, reply: dict[str, Any]) -> None:
        """Send any frame."""
        assert self._connection is not None
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(pack_frame(reply))

    def hang_up(self) -> None:
        """Close the driver's end."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and end the threads."""
        self._released.set()
        self.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    def _serve(self) -> None:
        self._connection, _ = self._listener.accept()
        with contextlib.suppress(EOFError, OSError):
            while True:
                request = read_frame(self._connection.recv)
                self.requests.append(request)
                thread = threading.Thread(target=self._answer, args=(request,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _answer(self, request: dict[str, Any]) -> None:
        if "never" in request.get("task", ""):
            self._released.wait(PATIENCE_S)
        elif "together" in request.get("task", ""):
            self._together.wait(PATIENCE_S)
        self.send(answer_to(request))


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request."""
    if request["op"] == "final":
        if request["answer"]["value"] is None:
            return {"id": request["id"], "ok": False, "kind": "rejected", "error": "None is no answer"}
        return {"id": request["id"], "ok": True, "value": ""}
    if "fail" in request["task"]:
        return {"id": request["id"], "ok": False, "kind": "budget", "error": "no calls are left"}
    return {"id": request["id"], "ok": True, "value": f"{request['op']}: {request['task'].upper()}"}


class LiveKernel:
    """A kernel process and a client of it."""

    def __init__(
        self, *, calls: bool = True, owned: bool = True, arguments: Sequence[str] = (), **environment: str
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="minrlm-test-")
        self.folder = Path(self._folder.name)
        self.driver = Driver(self.folder / "calls") if calls else None
        file, _ = write_connection_file(
            str(self.folder / "kernel.json"),
            transport="ipc",
            ip=str(self.folder / "zmq"),
            shell_port=1,
            iopub_port=2,
            stdin_port=3,
            control_port=4,
            hb_port=5,
        )
        command = [sys.executable, "-m", "minrlm_nb.inkernel", "-f", file, *arguments]
        command += [CALLS_FLAG, str(self.folder / "calls")] if calls else []
        command += [OWNED_FLAG, str(os.getpid())] if owned else []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        )
        self.client = BlockingKernelClient()
        self.client.load_connection_file(file)
        self.client.start_channels(hb=False)
        self.client.wait_for_ready(timeout=PATIENCE_S)

    def seed(self, *texts: str, task: str = "the task") -> dict[str, Any]:
        """Write the inputs and have the kernel read them; returns the reply."""
        inputs = []
        for number, text in enumerate(texts):
            path = self.folder / f"input_{number}"
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            inputs.append({"name": f"input_{number}", "path": str(path)})
        return self.request(SEED_REQUEST, {"task": task, "inputs": inputs})

    def request(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """Send a request on the shell channel; returns the reply's content."""
        message = self.client.session.msg(kind, content)
        self.client.shell_channel.send(message)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return dict(reply["content"])

    def run(self, code: str, *, interrupt_s: float | None = None, stdin: bool = False) -> Ran:
        """Run a cell to its end."""
        ran = Ran()
        message_id = self.client.execute(code, allow_stdin=stdin, stop_on_error=False)
        with self._interrupted(interrupt_s):
            replied = idle = False
            while not (replied and idle):
                if stdin:
                    self._answer_calls_over_stdin()
                replied = replied or self._take_reply(message_id, ran)
                idle = idle or self._take_outputs(message_id, ran)
        return ran

    def shut_down(self) -> None:
        """Ask the kernel to end, make sure that it did, and clean up."""
        if self.process.poll() is None:
            self.client.shutdown()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.clean_up()

    def clean_up(self) -> None:
        """Close what is open; the process has ended."""
        self.client.stop_channels()
        self.client.context.destroy(0)
        self.process.wait(PATIENCE_S)
        if self.driver is not None:
            self.driver.close()
        self._folder.cleanup()

    @contextlib.contextmanager
    def _interrupted(self, after_s: float | None) -> Iterator[None]:
        if after_s is None:
            yield
            return
        timer = threading.Timer(after_s, self.process.send_signal, [signal.SIGINT])
        timer.start()
        yield
        timer.join()

    def _take_reply(self, message_id: str, ran: Ran) -> bool:
        reply = _next(self.client.get_shell_msg)
        if reply is None or reply["parent_header"].get("msg_id") != message_id:
            return False
        ran.reply, ran.status = reply["content"], reply["content"]["status"]
        ran.report = reply["metadata"].get(METADATA_KEY, {})
        return True

    def _take_outputs(self, message_id: str, ran: Ran) -> bool:
        while (message := _next(self.client.get_iopub_msg)) is not None:
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                setattr(ran, content["name"], getattr(ran, content["name"]) + content["text"])
            elif kind == "execute_result":
                ran.result = content["data"]
            elif kind == "display_data":
                ran.displays.append(content["data"])
            elif kind == "error":
                ran.errors.append(content)
            elif kind == "status" and content["execution_state"] == "idle":
                return True
        return False

    def _answer_calls_over_stdin(self) -> None:
        while (message := _next(self.client.get_stdin_msg)) is not None:
            prompt = message["content"]["prompt"]
            assert prompt.startswith(STDIN_CALL_PREFIX), prompt
            self.client.input(json.dumps(answer_to(json.loads(prompt.removeprefix(STDIN_CALL_PREFIX)))))


def _next(get: Callable[..., dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return get(timeout=0.005)
    except queue.Empty:
        return None
