"""One REPL kernel: its process, its folder, its sockets, its call channel; from launch to close."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import zmq

from ..errors import KernelError
from ..isolation import Level
from ..isolation.environment import minimal_environment
from ..isolation.folders import SHARED_MEMORY, make_folder, remove_folder
from ..wire import CALLS_FLAG, OWNED_FLAG
from .calls import CallDesk, CallServer
from .channels import Channel, Channels, Message
from .launch import make_manager
from .process import CHECK_S, Watch

CallTransport = Literal["socket", "stdin"]

START_TIMEOUT_S = 60.0
"""How long a kernel may take to answer; half a second is usual, but machines can be busy."""

KILL_TIMEOUT_S = 5.0


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
        self.desk = CallDesk()
        self._owner = os.getpid()
        self._closed = False
        self._waking = threading.Lock()
        self._heard_iopub = False
        self._shared_folder: Path | None = None
        self._server: CallServer | None = None
        self._poller = zmq.Poller()
        with contextlib.ExitStack() as stack:
            self._open(stack)
            self._come_up(abandon)
            self._ending = stack.pop_all()

    # -- state ------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.death is None

    @property
    def death(self) -> str | None:
        """Why the process ended, or None while it runs. A stopped process is killed and counts as dead."""
        if self._watch.cause:
            return self._watch.cause
        if not self._watch.has_exited():
            if not self._watch.has_stopped():
                return None
            self._watch.cause = "it was stopped by a signal (SIGSTOP)"
        self.kill()
        return self._watch.cause

    @property
    def broken_calls(self) -> str:
        """Why the call channel can't be used any more; empty while it can."""
        return self._server.broken if self._server is not None else ""

    # -- messages ---------------------------------------------------------------------------------------------

    def send(self, channel: Channel, kind: str, content: dict[str, Any]) -> str:
        """Send a request; returns its id."""
        return self._channels.send(channel, kind, content)

    def received(self) -> Iterator[Message]:
        """Messages that have come in, without waiting."""
        for message in self._channels.received():
            self._heard_iopub = self._heard_iopub or message.channel == "iopub"
            yield message

    def wait(self, timeout_s: float) -> None:
        """Wait until something happens: a message, the process's end, `wake`, or the time is over."""
        self._watch.listen(self._poller)
        # The cap bounds how late a stopped process is noticed, and an ended one where the system can't wake us.
        self._poller.poll(math.ceil(max(0.0, min(timeout_s, CHECK_S)) * 1000))
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_out, 4096)

    def wake(self) -> None:
        """End a `wait` at once. Any thread may call it."""
        with self._waking:
            if not self._closed:  # by then the descriptor may be some other file
                with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
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

    def publishes(self, timeout_s: float, abandon: threading.Event | None = None) -> bool:
        """Whether outputs arrive.

        They do not before the subscription has reached the kernel, nor after a message that zmq found too long, which
        ends the connection for good.

        Raises
        ------
        KernelError
            If the kernel does not answer at all.
        """
        self._heard_iopub = False
        deadline = time.monotonic() + timeout_s
        while not self._heard_iopub and time.monotonic() < deadline:
            self.ask("kernel_info_request", {}, timeout_s, abandon=abandon)  # each answer comes with a published status
            self.wait(0.01)
            for _ in self.received():
                continue
        return self._heard_iopub

    # -- files ------------------------------------------------------------------------------------------------

    def shared_folder(self) -> Path | None:
        """A private folder of this kernel on the RAM disk, or None where there is none."""
        if self._shared_folder is None and SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK | os.X_OK):
            self._shared_folder = make_folder(SHARED_MEMORY)
            self._remains.folders.append(self._shared_folder)
        return self._shared_folder

    # -- the end ----------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill the process and all that is in its process group; harmless when it has ended."""
        if self._remains.group is None:
            return
        # Before the process is reaped, so that its number can't be someone else's by now.
        self._manager.kill()
        if not self._watch.wait(KILL_TIMEOUT_S):
            raise KernelError(f"the REPL kernel (process {self.pid}) still lives {KILL_TIMEOUT_S:g} s after SIGKILL")
        self._watch.reap(self._poller)
        self._remains.group = None

    def close(self) -> None:
        """Kill the process and free everything; harmless when called again."""
        with self._waking:
            if self._closed or os.getpid() != self._owner:  # a forked child: the kernel belongs to its parent
                return
            self._closed = True
        self._ending.close()

    # -- launch -----------------------------------------------------------------------------------------------

    def _open(self, stack: contextlib.ExitStack) -> None:
        """Start the process and connect to it; the stack learns how to undo each part, last part first."""
        self.folder = make_folder()
        self._remains = _Remains([self.folder])
        stack.callback(weakref.finalize(self, _bury, self._owner, self._remains))
        self._wake_out, self._wake_in = os.pipe()
        for end in (self._wake_out, self._wake_in):
            stack.callback(os.close, end)
            os.set_blocking(end, False)
        self._poller.register(self._wake_out, zmq.POLLIN)
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        stack.callback(self.desk.close)
        arguments = [OWNED_FLAG, str(self._owner)]
        if self.call_transport == "socket":
            calls = self.folder / "calls"
            self._server = CallServer(calls, self.desk)
            stack.callback(self._server.close)
            arguments += [CALLS_FLAG, str(calls)]
        work = self.folder / "work"
        work.mkdir(mode=0o700)
        self._manager = manager = make_manager(self.level, self.folder, context)
        stack.callback(manager.clean_up)
        try:
            manager.start(arguments, {**self.environment, "TMPDIR": str(work)}, work)
        except Exception as error:  # provisioners raise what they like
            manager.kill()
            raise KernelError(f"the REPL kernel could not be started: {error}") from error
        self._watch = Watch(manager.provisioner)
        stack.callback(self._watch.close)
        self.pid = self._remains.group = self._watch.pid
        stack.callback(self.kill)
        self._watch.register(self._poller)
        self._channels = Channels(context, manager.session, manager.get_connection_info())
        stack.callback(self._channels.close)
        self._channels.register(self._poller)

    def _come_up(self, abandon: threading.Event | None) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        self.ask("kernel_info_request", {}, START_TIMEOUT_S, abandon=abandon)
        # The first cell of a process is slow (imports, caches); let it be one that nobody waits for.
        warm_up = {"code": "None", "silent": True, "store_history": False, "allow_stdin": False}
        self.ask("execute_request", warm_up, START_TIMEOUT_S, abandon=abandon)
        if not self._heard_iopub and not self.publishes(START_TIMEOUT_S, abandon):
            raise KernelError(f"the REPL kernel published nothing within {START_TIMEOUT_S:g} s")
        if self._server is not None and not self._server.connected.wait(max(0.0, deadline - time.monotonic())):
            raise KernelError("the REPL kernel did not connect to its call channel")


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
