"""Not outliving the driver, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

_PARTING_S = 1.0


def die_with(owner_pid: int) -> None:
    """Have this process killed when the one that started it ends.

    Linux sends the signal itself, also while a cell holds the interpreter lock. It does so when the *thread* that
    started us ends, so the driver must start kernels from a thread that stays. Elsewhere the end of the call channel
    has to do.

    Parameters
    ----------
    owner_pid
        Process id of the driver, to notice that it has gone already.
    """
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel can't be tied to its driver's life (prctl failed)")
    if os.getppid() != owner_pid:
        leave()


def leave() -> None:
    """End this process at once, without waiting for threads or a running cell."""
    os._exit(1)


def leave_soon() -> None:
    """Make sure that this process, which was asked to end, does so within a second.

    Otherwise a cell's threads and exit handlers could keep it, and so can ipykernel: its control thread may flush
    into an output thread that has ended already, and waits ten seconds for that.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _PARTING_S)
