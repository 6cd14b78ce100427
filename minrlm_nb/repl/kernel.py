"""One REPL kernel: its process, its folder, its sockets, its call channel; from launch to close."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

import zmq
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from ..errors import KernelError
from ..isolation import Level
from ..isolation.environment import minimal_environment
from ..isolation.folders import SHARED_MEMORY, make_folder, remove_folder
from ..wire import CALLS_FLAG, OWNED_FLAG
from .calls import CallDesk, CallServer
from .channels import Channel, Channels, Message, make_session
from .launcher import shared_launcher
from .process import CHECK_S, Watch

CallTransport = Literal["socket", "stdin"]

START_TIMEOUT_S = 60.0
"""How long a kernel may take to answer; half a second is usual, but machines can be busy."""

KILL_TIMEOUT_S = 5.0


class _Manager(AsyncKernelManager):
    """jupyter_client's manager with a kernelspec of our own, so that none has to be installed."""

    def __init__(self, spec: KernelSpec, **traits: Any) -> None:
        super().__init__(**traits)
        self._spec = spec

    @property
    def kernel_spec(self) -> KernelSpec:
        return self._spec


class LiveKernel:
    """A kernel that is up and has answered.

    Made in any thread; used by one thread at a time from then on, as zmq sockets are. Only `wake` may be called from
    anywhere.

    Parameters
    ----------
    level
        Names the provisioner that starts it.
    call_transport
        ``"socket"``, or ``"stdin"`` where kernel and driver can share no socket.
    abandon
        Set it from any thread to give up the launch.

    Raises
    ------
    KernelError
        If it does not come up.
    """

    def __init__(
        self, level: Level, call_transport: CallTransport = "socket", abandon: threading.Event | None = None
    ) -> None:
        self.level = level
        self.call_transport = call_transport
        self.environment = minimal_environment(os.environ)
        self.folder = make_folder()
        self.desk = CallDesk()
        self._shared_folder: Path | None = None
        self._server: CallServer | None = None
        self._channels: Channels | None = None
        self._watch: Watch | None = None
        self._manager: _Manager | None = None
        self._heard_iopub = False
        self._closed = False
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        self._poller.register(self._wake_out, zmq.POLLIN)
        self._remains = weakref.finalize(self, _bury, os.getpid(), remains := _Remains([self.folder]))
        self._left = remains
        try:
            self._launch()
            self._come_up(abandon)
        except BaseException as error:
            self.close()
            if isinstance(error, (KernelError, KeyboardInterrupt)):
                raise
            raise KernelError(f"the REPL kernel could not be started: {error}") from error

    # -- state ------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.death is None

    @property
    def death(self) -> str | None:
        """Why the process ended, or None while it runs. A stopped process is killed and counts as dead."""
        watch = self._running()
        if watch.cause:
            return watch.cause
        if not watch.has_exited():
            if not watch.has_stopped():
                return None
            watch.cause = "it was stopped by a signal (SIGSTOP)"
        self.kill()
        return watch.cause

    @property
    def broken_calls(self) -> str:
        """Why the call channel can't be used any more; empty while it can."""
        return self._server.broken if self._server is not None else ""

    # -- messages ---------------------------------------------------------------------------------------------

    def send(self, channel: Channel, kind: str, content: dict[str, Any]) -> str:
        """Send a request; returns its id."""
        assert self._channels is not None
        return self._channels.send(channel, kind, content)

    def received(self) -> Iterator[Message]:
        """Messages that have come in, without waiting."""
        assert self._channels is not None
        for message in self._channels.received():
            self._heard_iopub = self._heard_iopub or message.channel == "iopub"
            yield message

    def wait(self, timeout_s: float) -> None:
        """Wait until something happens: a message, the process's end, `wake`, or the time is over."""
        watch = self._running()
        watch.listen(self._poller)
        # The cap bounds how late a stopped process is noticed, and an ended one where the system can't wake us.
        self._poller.poll(math.ceil(max(0.0, min(timeout_s, CHECK_S)) * 1000))
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_out, 4096)

    def wake(self) -> None:
        """End a `wait` at once. Any thread may call it."""
        # A full pipe wakes as well; a closed one means that nobody waits any more.
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_in, b"!")

    def ask(
        self,
        kind: str,
        content: dict[str, Any],
        timeout_s: float,
        channel: Channel = "shell",
        abandon: threading.Event | None = None,
    ) -> Message:
        """Send a ``…_request`` and wait for its ``…_reply``.

        Raises
        ------
        KernelError
            If the kernel dies first or does not answer in time.
        """
        wanted = kind.replace("_request", "_reply")
        request = self.send(channel, kind, content)
        deadline = time.monotonic() + timeout_s
        while True:
            for message in self.received():
                if message.type == wanted and message.parent == request and message.channel == channel:
                    return message
            if (cause := self.death) is not None:
                raise KernelError(f"the REPL kernel died: {cause}")
            if time.monotonic() > deadline:
                raise KernelError(f"the REPL kernel did not answer a {kind} within {timeout_s:g} s")
            if abandon is not None and abandon.is_set():
                raise KernelError("the REPL kernel is not needed any more")
            self.wait(deadline - time.monotonic())

    # -- files ------------------------------------------------------------------------------------------------

    def shared_folder(self) -> Path | None:
        """A private folder of this kernel on the RAM disk, or None where there is none."""
        if self._shared_folder is None and SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
            self._shared_folder = make_folder(SHARED_MEMORY)
            self._left.folders.append(self._shared_folder)
        return self._shared_folder

    # -- the end ----------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill the process and all that is in its process group; harmless when it has ended."""
        watch, manager = self._running(), self._manager
        if watch.cause and self._left.group is None:
            return
        assert manager is not None
        assert manager.provisioner is not None
        # Before the process is reaped, so that its number can't be someone else's by now.
        shared_launcher().run(manager.provisioner.kill())
        if not watch.wait(KILL_TIMEOUT_S):
            raise KernelError(f"the REPL kernel (process {watch.pid}) still lives {KILL_TIMEOUT_S:g} s after SIGKILL")
        watch.reap(self._poller)
        self._left.group = None

    def close(self) -> None:
        """Kill the process and free everything; harmless when called again."""
        if self._closed:
            return
        self._closed = True
        if self._watch is not None:
            self.kill()
            self._watch.close()
        if self._server is not None:
            self._server.close()
        self.desk.close()
        if self._channels is not None:
            self._channels.close()
        if self._manager is not None:
            shared_launcher().run(self._manager.cleanup_resources())
        self._context.term()
        os.close(self._wake_in)
        os.close(self._wake_out)
        self._remains()

    # -- launch -----------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        arguments = [OWNED_FLAG, str(os.getpid())]
        if self.call_transport == "socket":
            calls = self.folder / "calls"
            self._server = CallServer(calls, self.desk)
            arguments += [CALLS_FLAG, str(calls)]
        work = self.folder / "work"
        work.mkdir(mode=0o700)
        spec = KernelSpec(
            argv=[sys.executable, "-m", "minrlm_nb.inkernel", "-f", "{connection_file}"],
            display_name="minRLM REPL kernel",
            language="python",
            interrupt_mode="message",
            metadata={
                "kernel_provisioner": {
                    "provisioner_name": self.level.provisioner,
                    "config": {"folder": str(self.folder)},
                }
            },
        )
        manager = self._manager = _Manager(
            spec,
            context=zmq.asyncio.Context(shadow=self._context),  # the same one, as the manager's loop wants it
            session=make_session(),
            connection_file=str(self.folder / "kernel.json"),
        )
        shared_launcher().run(
            manager.start_kernel(
                extra_arguments=arguments,
                independent=True,  # `--owned` says whose the kernel is; no second poller is needed for that
                env={**self.environment, "TMPDIR": str(work)},
                cwd=str(work),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        )
        self._watch = Watch(manager.provisioner)
        self._left.group = self._watch.pid
        self._watch.register(self._poller)
        info = manager.get_connection_info()
        ports = {name: cast(int, info[f"{name}_port"]) for name in ("shell", "iopub", "stdin", "control")}  # type: ignore[literal-required]
        self._channels = Channels(self._context, manager.session, manager.ip, cast("dict[Channel, int]", ports))
        self._channels.register(self._poller)

    def _come_up(self, abandon: threading.Event | None) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        self.ask("kernel_info_request", {}, START_TIMEOUT_S, abandon=abandon)
        # The first cell of a process is slow (imports, caches); let it be one that nobody waits for.
        warm_up = {"code": "None", "silent": True, "store_history": False, "allow_stdin": False}
        self.ask("execute_request", warm_up, START_TIMEOUT_S, abandon=abandon)
        while not self._heard_iopub:  # outputs are lost until the subscription has reached the kernel
            self.ask("kernel_info_request", {}, START_TIMEOUT_S, abandon=abandon)
            self.wait(0.01)
            if time.monotonic() > deadline:
                raise KernelError(f"the REPL kernel published nothing within {START_TIMEOUT_S:g} s")
        if self._server is not None and not self._server.connected.wait(max(0.0, deadline - time.monotonic())):
            raise KernelError("the REPL kernel did not connect to its call channel")

    def _running(self) -> Watch:
        assert self._watch is not None, "the kernel was never started"
        return self._watch


class _Remains:
    """What a kernel leaves behind if nobody closes it."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.group: int | None = None


def _bury(owner: int, remains: _Remains) -> None:
    """Kill and remove what is left; runs at `LiveKernel.close`, or at the interpreter's exit if that never came."""
    if os.getpid() != owner:  # a forked child: the kernel belongs to its parent
        return
    if remains.group is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(remains.group, signal.SIGKILL)
    for folder in remains.folders:
        remove_folder(folder)
