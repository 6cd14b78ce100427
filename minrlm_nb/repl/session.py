"""A run's REPL kernel: gets one, runs cells on it, replaces it when a cell has lost it, ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from ..core.ports import CallHandler, Cancel, InputText
from ..core.records import CellError, CellResult, Output, Reads
from ..errors import KernelError
from ..isolation import Level, achieve
from ..wire import CallReply, CallRequest
from .execute import CellEnd, CellRun
from .kernel import CallTransport, LiveKernel
from .outputs import OutputCaps
from .pool import REFILL_DELAY_S, KernelPool, shared_pool
from .report import add_reads
from .requests import checked_reads
from .seed import seed

BACK: Final = "variables are lost; task_0, the inputs and the helpers are back"


@dataclass(frozen=True)
class _Seed:
    """What a kernel is seeded with; kept to seed its replacement."""

    task: str
    inputs: tuple[InputText, ...]


class ReplSession:
    """Implements `minrlm_nb.core.ports.Repl` on a kernel of this machine.

    The thread that calls `start` is the one that calls `execute` until the next `start`: it owns the kernel's
    sockets. `close` may come from any thread once those have returned.

    Parameters
    ----------
    isolation
        ``"auto"`` or a level's name.
    call_transport
        ``"socket"``, or ``"stdin"`` where kernel and driver can share no socket.
    pooled
        Whether to take the warm kernel of the process's pool and to have it replaced. False for processes that make
        a single run: each kernel is started when it is needed.
    caps
        How much output of a cell is kept.

    Raises
    ------
    ConfigError
        If the isolation level is unknown or can't be had.
    """

    def __init__(
        self,
        isolation: str = "auto",
        *,
        call_transport: CallTransport = "socket",
        pooled: bool = True,
        caps: OutputCaps | None = None,
    ) -> None:
        self._level: Level = achieve(isolation)
        self._call_transport = call_transport
        # Warm kernels have their call channel on a socket.
        self._pool: KernelPool | None = shared_pool() if pooled and call_transport == "socket" else None
        self._caps = caps or OutputCaps()
        self._kernel: LiveKernel | None = None
        self._seed: _Seed | None = None
        self._on_call: CallHandler | None = None
        self._owner: int | None = None
        self._untold = ""
        self._reads_before = Reads()
        self._reads = Reads()

    @property
    def isolation(self) -> str:
        """The level achieved."""
        return self._level.name

    @property
    def banner(self) -> str:
        """What the person must be told of the isolation; empty when there is nothing to warn of."""
        return self._level.banner

    def start(self, task: str, inputs: Sequence[InputText], on_call: CallHandler) -> None:
        """Get a kernel ready and seed it; a kernel already started is seeded anew, its other variables stay.

        Parameters
        ----------
        task
            The question, ``task_0`` in the kernel.
        inputs
            The data; each gets the name its facts give it.
        on_call
            Answers sub-calls and ``FINAL``; called from threads.

        Raises
        ------
        KernelError
            If no kernel came up or it could not be seeded.
        """
        self._owner = threading.get_ident()
        self._seed = _Seed(task, tuple(inputs))
        self._on_call = on_call
        self._reads_before = self._reads = Reads()
        if self._kernel is None:
            self._replace_kernel()
            return
        try:
            seed(self._ready_kernel(), task, inputs)
        except KernelError as error:
            self._untold = self._untold or str(error)
            self._replace_kernel()

    def execute(
        self, code: str, timeout_s: float, cancel: Cancel, on_output: Callable[[Output], None] | None = None
    ) -> CellResult:
        """Run one cell. See `minrlm_nb.core.ports.Repl.execute`.

        Raises
        ------
        KernelError
            If there is no kernel, or a lost one could not be replaced.
        """
        assert self._owner == threading.get_ident(), "the thread that started the session runs its cells"
        if cancel.stopped:
            return CellResult(
                "interrupted", error=CellError("CellInterrupted", "the run was stopped"), reads=self._reads
            )
        if (line := _undecodable_line(code)) is not None:
            error = CellError(
                "SyntaxError", "a lone surrogate can't be in source code; write it as an escape", line=line
            )
            return CellResult("error", error=error, reads=self._reads)
        run = CellRun(self._ready_kernel(), code, timeout_s, cancel, self._answer, self._caps, on_output)
        try:
            end = run.run()
        except BaseException:  # a listener failed, or Ctrl-C came: the cell may still be running
            self._drop_kernel()
            raise
        return self._result(end)

    def close(self) -> None:
        """End the kernel and remove its files; harmless when called again."""
        self._drop_kernel()
        self._seed = self._on_call = None

    # -- calls ------------------------------------------------------------------------------------------------

    def _answer(self, request: CallRequest, cancel: Cancel) -> CallReply:
        """Pass a call on; its reads then count from the run's start, not the kernel's. Runs in worker threads."""
        handler = self._on_call
        assert handler is not None, "calls are answered while a cell runs"
        if "reads" in request:
            total = add_reads(self._reads_before, Reads(**request["reads"]))
            request = {**request, "reads": checked_reads(asdict(total))}
        return handler(request, cancel)

    # -- the kernel -------------------------------------------------------------------------------------------

    def _ready_kernel(self) -> LiveKernel:
        """A live, seeded kernel: the one there is, or another if that was lost since the last cell."""
        if self._kernel is not None:
            if (cause := self._kernel.death) is not None:
                self._untold = f"the kernel died between two cells: {cause}"
            elif broken := self._kernel.broken_calls:
                self._untold = f"the call channel was lost between two cells: {broken}"
            else:
                return self._kernel
        return self._replace_kernel()

    def _replace_kernel(self) -> LiveKernel:
        """Take a fresh kernel and seed it; from then on `_kernel` is that."""
        if self._seed is None:
            raise KernelError("the session is closed or was never started; call start() first")
        self._drop_kernel()
        self._reads_before = self._reads
        if self._pool is None:
            kernel = self._seeded(LiveKernel(self._level, self._call_transport), self._seed)
        else:
            try:
                kernel = self._seeded(self._pool.take(self._level), self._seed)
            except KernelError:
                # A warm one may have been killed while it waited; a new one shows whether there is more to it.
                kernel = self._seeded(LiveKernel(self._level), self._seed)
            self._pool.warm(self._level, REFILL_DELAY_S)
        self._kernel = kernel
        return kernel

    def _seeded(self, kernel: LiveKernel, what: _Seed) -> LiveKernel:
        try:
            seed(kernel, what.task, what.inputs)
        except BaseException:
            kernel.close()
            raise
        return kernel

    def _drop_kernel(self) -> None:
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.close()

    def _result(self, end: CellEnd) -> CellResult:
        untold, self._untold = self._untold, ""
        notices = end.notices
        if untold:
            notices = (f"{untold}; {BACK}", *notices)
        if end.kernel_lost:
            notices = (*notices, f"the kernel was lost ({end.kernel_lost}) and is restarted: {BACK}")
            # The next cell gets another kernel; a warm one is usually there by then.
            self._drop_kernel()
            if self._pool is not None:
                self._pool.warm(self._level)
        if end.report.reads is not None:
            self._reads = add_reads(self._reads_before, end.report.reads)
        return CellResult(
            status=end.status,
            outputs=end.outputs,
            error=end.error,
            duration_s=end.duration_s,
            variables=() if end.kernel_lost else end.report.variables,
            notices=notices,
            reads=self._reads,
            variables_lost=bool(end.kernel_lost or untold),
        )


def _undecodable_line(code: str) -> int | None:
    """The line of a cell that UTF-8 can't express, which Python's compiler would choke on; None if there is none."""
    try:
        code.encode()
    except UnicodeEncodeError as error:
        return code.count("\n", 0, error.start) + 1
    return None
