"""Our side of the model server: start it, know when it died, end it. One server per model file and process."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ...errors import LocalServerError
from .cpus import usable_cores
from .server import Settings

N_CTX = 8192
"""Tokens of context; 230 MB of memory for the 1.5B on top of its weights."""

START_TIMEOUT_S = 120.0
END_S = 2.0
LOG_TAIL_BYTES = 2000

SPIN_BRIEFLY = {"GOMP_SPINCOUNT": "1000"}
"""How long OpenMP's threads spin before they sleep. The default makes a model crawl as soon as anything else runs
(2.6 instead of 11 tokens a second beside one busy process), none at all costs an idle machine a third."""


@dataclass(frozen=True)
class Endpoint:
    """Where a running server listens; the key is random and known to owner and server only."""

    base_url: str
    api_key: str = field(repr=False)


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    endpoint: Endpoint

    def end(self) -> None:
        """Close its stdin, which ends it; kill it if it lingers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class LocalServer:
    """A model server in a child process, started on demand and again after it died. Thread-safe.

    Parameters
    ----------
    model
        A GGUF file.
    n_ctx
        Tokens of context.
    start_timeout_s
        Seconds until a server that does not listen yet is given up.
    """

    def __init__(self, model: Path, *, n_ctx: int = N_CTX, start_timeout_s: float = START_TIMEOUT_S) -> None:
        self._model = model
        self._n_ctx = n_ctx
        self._start_timeout_s = start_timeout_s
        self._lock = threading.Lock()
        # The kernel kills the server when the thread that started it ends, so that thread has to stay.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="minrlm-model-server")
        self._starting: Future[_Running] | None = None

    def start(self) -> Future[_Running]:
        """See that the server runs or is about to; returns at once."""
        with self._lock:
            if self._starting is None or self._has_died(self._starting):
                self._starting = self._starter.submit(self._start, self._starting)
            return self._starting

    def endpoint(self, timeout_s: float | None = None) -> Endpoint:
        """Where the server listens, once it does.

        Raises
        ------
        LocalServerError
            If it did not come up; with the end of its log.
        TimeoutError
            If that takes longer than ``timeout_s``; the start goes on.
        """
        return self.start().result(timeout_s).endpoint

    def is_up(self, endpoint: Endpoint) -> bool:
        """Whether the server that listens there is the present one and alive."""
        with self._lock:
            starting = self._starting
        if starting is None or not starting.done() or self._has_died(starting):
            return False
        return starting.result().endpoint == endpoint

    @property
    def pid(self) -> int | None:
        """The server's process, or None if none runs."""
        with self._lock:
            starting = self._starting
        if starting is None or not starting.done() or self._has_died(starting):
            return None
        return starting.result().process.pid

    def close(self) -> None:
        """End the server. Harmless when called again; `start` brings a new one."""
        with self._lock:
            starting, self._starting = self._starting, None
        if starting is not None and not starting.cancel() and starting.exception() is None:
            starting.result().end()

    def _has_died(self, starting: Future[_Running]) -> bool:
        if not starting.done():
            return False
        return starting.exception() is not None or starting.result().process.poll() is not None

    def _start(self, before: Future[_Running] | None) -> _Running:
        if before is not None and before.exception() is None:
            before.result().end()
        api_key = secrets.token_urlsafe(32)
        settings: Settings = {
            "owner": os.getpid(),
            "model": str(self._model),
            "api_key": api_key,
            "n_ctx": self._n_ctx,
            "threads": usable_cores(),
        }
        log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the server)
        process = subprocess.Popen(
            [sys.executable, "-m", "minrlm_nb.models.local.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **SPIN_BRIEFLY},
            start_new_session=True,  # Ctrl+C and a Jupyter interrupt go to whole process groups
        )
        running = _Running(process, log, Endpoint("", api_key))
        try:
            base_url = self._await_listening(process, settings)
        except BaseException as error:
            process.kill()
            process.wait()
            tail = _tail(log)
            running.end()
            if isinstance(error, _NotListening):
                raise LocalServerError(
                    f"the embedded model's server did not start: {error}; the end of its log:\n{tail or '(empty)'}",
                    log=tail,
                ) from None
            raise
        return _Running(process, log, Endpoint(base_url, api_key))

    def _await_listening(self, process: subprocess.Popen[bytes], settings: Settings) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # then it died, which shows below
            process.stdin.write(json.dumps(settings).encode() + b"\n")
            process.stdin.flush()
        deadline = time.monotonic() + self._start_timeout_s
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise _NotListening(f"it was not ready within {self._start_timeout_s:g} s")
                if not (piece := os.read(process.stdout.fileno(), 4096)):
                    process.wait(END_S)
                    raise _NotListening(f"it ended with exit code {process.returncode}")
                line += piece
        base_url: str = json.loads(line)["base_url"]
        return base_url


class _NotListening(Exception):  # noqa: N818  (turned into LocalServerError with the log)
    """Why a server that was started does not listen."""


_servers: dict[Path, LocalServer] = {}
_servers_lock = threading.Lock()
_abandoned: list[LocalServer] = []


def shared_server(model: Path) -> LocalServer:
    """The server of a model file in this process; kept until the process ends, so that later runs find it warm.

    Raises
    ------
    LocalServerError
        If the package that serves is not installed.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise LocalServerError(
            "the embedded model needs the package xllamacpp; install it with: pip install 'minrlm-nb[local]'"
        )
    with _servers_lock:
        return _servers.setdefault(model, LocalServer(model))


def end_servers() -> None:
    """End the servers of this process; called at its exit."""
    with _servers_lock:
        servers = list(_servers.values())
        _servers.clear()
    for server in servers:
        server.close()


def _forget_in_fork() -> None:
    """A forked copy of the owner has no claim on its servers, nor the threads that started them."""
    global _servers_lock
    _servers_lock = threading.Lock()
    _abandoned.extend(_servers.values())  # kept, so that no destructor ends what belongs to the parent
    _servers.clear()


atexit.register(end_servers)
os.register_at_fork(after_in_child=_forget_in_fork)


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOG_TAIL_BYTES))
    return log.read().decode("utf-8", "replace").strip()
