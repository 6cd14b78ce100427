"""The kernel: seeding, the reply to a cell, interrupts, and the way to the driver."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from IPython.core.error import StdinNotImplementedError
from traitlets import Type

from .. import __version__
from ..wire import METADATA_KEY, SEED_REPLY, SEED_REQUEST, CellReport, SeedContent, SeedReply
from .calls import CallChannel, NoChannel, SocketChannel, StdinChannel
from .output import sendable
from .shell import CellCompiler, Shell
from .sizes import name_of_type
from .tracebacks import message_of


class Kernel(IPythonKernel):
    """The REPL kernel. Handlers run in the main thread unless said otherwise."""

    implementation = "minrlm"
    implementation_version = __version__
    banner = "minrlm REPL kernel"
    shell_class = Type(Shell)
    # ipykernel sleeps before each reply so that output gets ahead of it. The driver waits for ``idle``, which travels
    # behind the output, so for it the sleep is time lost.
    _execute_sleep = 0.0

    shell: Any
    session: Any

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.shell_handlers[SEED_REQUEST] = self.seed_request
        self._report: CellReport | None = None
        ask = super().raw_input
        self._stdin_channel = StdinChannel(lambda prompt: self.shell.as_cell(ask, prompt))
        self.shell.compile = CellCompiler()

    def channel(self) -> CallChannel:
        """The way to the driver as it is now."""
        connected: SocketChannel | None = getattr(self.parent, "channel", None)
        if connected is not None:
            return connected
        if self.shell.workspace.seeded and self._allow_stdin:
            return self._stdin_channel
        return NoChannel()

    async def seed_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Lay task and inputs into the namespace."""
        content: SeedContent = parent["content"]
        try:
            self.shell.workspace.seed(content, self.shell.user_ns)
            reply = SeedReply(status="ok")
        except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            reply = SeedReply(status="error", error=sendable(f"{type(error).__name__}: {error}"))
        self.session.send(stream, SEED_REPLY, reply, parent, ident=ident)

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        *,
        cell_meta: Any = None,
        cell_id: Any = None,
    ) -> dict[str, Any]:
        """Run a cell; whatever it does, there is a reply."""
        self.shell.start_cell()
        try:
            content: dict[str, Any] = await super().do_execute(
                code, silent, store_history, user_expressions, allow_stdin, cell_meta=cell_meta, cell_id=cell_id
            )
        except (asyncio.CancelledError, GeneratorExit):
            raise  # the kernel is ending
        except BaseException as error:
            # An interrupt between two statements, or a cell that broke IPython itself.
            content = {
                "status": "error",
                "ename": name_of_type(error),
                "evalue": message_of(error),
                "traceback": [],
                "execution_count": self.execution_count,
            }
        with _undisturbed():
            content["payload"] = []  # nothing a cell says may act on the notebook of whoever runs us
            self._report = self.shell.end_cell()
        return content

    def finish_metadata(self, parent: Any, metadata: dict[str, Any], reply_content: Any) -> dict[str, Any]:
        """Add the report on the cell."""
        finished: dict[str, Any] = super().finish_metadata(parent, metadata, reply_content)
        if self._report is not None:
            finished[METADATA_KEY], self._report = self._report, None
        return finished

    def raw_input(self, prompt: str = "") -> str:
        """``input()`` of a cell: in a run there is nobody to ask."""
        self._refuse_questions("input()")
        return str(super().raw_input(prompt))

    def getpass(self, prompt: str = "", stream: Any = None, **options: Any) -> str:
        """``getpass.getpass()`` of a cell, likewise."""
        self._refuse_questions("getpass()")
        return str(super().getpass(prompt, stream, **options))

    def _refuse_questions(self, function: str) -> None:
        if self.shell.workspace.seeded:
            raise StdinNotImplementedError(f"{function} has nobody to ask here; use input_0 and the helpers")

    async def poll_stopped_queue(self) -> None:
        """Do nothing: there is no debugger in this kernel."""

    @contextmanager
    def _cancel_on_sigint(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """Interrupt a cell with a top-level ``await``.

        ipykernel asks the event loop to cancel the cell, which never happens while the cell's code keeps the loop
        busy. So the interrupt is raised where the code is; only a cell that is waiting is cancelled.
        """
        loop = asyncio.get_running_loop()

        def on_interrupt(number: int, frame: Any) -> None:
            if asyncio.current_task(loop) is None:
                loop.call_soon_threadsafe(future.cancel)
            else:
                raise KeyboardInterrupt

        previous = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore interrupts from here to the reply; ipykernel sets its own handler after each message."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
