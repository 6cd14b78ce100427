"""The kernel's process as its driver watches it: is it alive, why did it end, what did it say last."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import IO, Any

import zmq

from .text import plain

LAST_WORDS_BYTES = 4096
"""How much of the kernel's standard error is kept, to say why it died."""

LAST_LINES = 5
CHECK_S = 0.1
"""How often a process is looked at where the system can't wake us when it ends or stops."""


class Watch:
    """Watches one child process; used by the thread that runs the kernel's cells.

    Parameters
    ----------
    provisioner
        Started the process; knows how to kill it with all that it started. `kill` is the caller's part.
    """

    def __init__(self, provisioner: Any) -> None:
        self.cause = ""
        self._process = provisioner.process
        self.pid: int = self._process.pid
        self._stderr: IO[bytes] | None = self._process.stderr
        self._last_words = b""
        self._pidfd = _open_pidfd(self.pid)
        self._stop_seen_at = 0.0
        if self._stderr is not None:
            os.set_blocking(self._stderr.fileno(), False)

    @property
    def wakes(self) -> bool:
        """Whether a poller wakes when the process ends; otherwise look every `CHECK_S`."""
        return self._pidfd is not None

    def register(self, poller: zmq.Poller) -> None:
        """Have the poller wake when the process ends or writes to its standard error."""
        if self._pidfd is not None:
            poller.register(self._pidfd, zmq.POLLIN)
        if self._stderr is not None:
            poller.register(self._stderr.fileno(), zmq.POLLIN)

    def listen(self, poller: zmq.Poller) -> None:
        """Read what is on standard error, so that the process never blocks on it; keeps the end."""
        if self._stderr is None:
            return
        try:
            data = os.read(self._stderr.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data:
            poller.unregister(self._stderr.fileno())
            self._stderr.close()
            self._stderr = None
        self._last_words = (self._last_words + data)[-LAST_WORDS_BYTES:]

    def has_exited(self) -> bool:
        """Whether the process has ended. It is not reaped yet, so its process group can still be killed safely."""
        if self._process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def has_stopped(self) -> bool:
        """Whether something stopped the process (SIGSTOP): to its driver that is as good as dead."""
        now = time.monotonic()
        if now - self._stop_seen_at < CHECK_S or not hasattr(os, "waitid"):
            return False
        self._stop_seen_at = now
        return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self, timeout_s: float) -> bool:
        """Wait until the process has ended; False if it has not by then."""
        deadline = time.monotonic() + timeout_s
        while not self.has_exited():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._pidfd is None:
                time.sleep(min(left, 0.005))
            else:
                waiter = select.poll()
                waiter.register(self._pidfd, select.POLLIN)
                waiter.poll(left * 1000)
        return True

    def reap(self, poller: zmq.Poller) -> None:
        """Collect the exit status of a process that has ended; `cause` says why it did."""
        self.listen(poller)
        code = self._process.wait()
        self.cause = self.cause or f"{_exit_text(code)}{_quote(self._last_words)}"

    def close(self) -> None:
        """Close the descriptors."""
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def _open_pidfd(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # a kernel before Linux 5.3, or a sandbox that does not know the call
        return None


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"it exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"it was killed by {name}{hint}"


def _quote(last_words: bytes) -> str:
    text = plain(last_words.decode("utf-8", "replace")).strip()
    fatal = text.rfind("Fatal Python error")
    lines = text[fatal:].splitlines()[:LAST_LINES] if fatal >= 0 else text.splitlines()[-LAST_LINES:]
    return ": " + "\n".join(lines) if lines else ""
