"""Caps on what a cell may show: text per cell, displays per cell, and the size of each."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import json
import os
import select
import struct
import termios
import threading
import time
import weakref
from typing import Any, ClassVar

from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.zmqshell import ZMQDisplayPublisher

CELL_TEXT_CHARS = 64_000
"""Characters of stdout and stderr together that a cell may print."""

DISPLAY_BYTES = 4 * 2**20
"""The largest image or other content of one display."""

CELL_DISPLAY_BYTES = 16 * 2**20
CELL_DISPLAYS = 200
"""What the displays of one cell may come to."""

_DRAIN_S = 1.0
_PIPE_READ_BYTES = 1 << 16


class TextMeter:
    """Counts a cell's text, lets through what fits, and knows which threads are left over from earlier cells."""

    def __init__(self, limit: int = CELL_TEXT_CHARS) -> None:
        self._limit = limit
        self._left = limit
        self._cut = 0
        self._late = 0
        self._ours: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._leftover: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

    def know_own_threads(self) -> None:
        """Call once when the kernel is up: the threads there are now belong to it, not to a cell."""
        self._ours = weakref.WeakSet(threading.enumerate())

    def start_cell(self) -> None:
        """Begin a cell with the whole allowance."""
        self._left, self._cut, self._late = self._limit, 0, 0

    def admit(self, text: str) -> str:
        """The part of a text that may be shown."""
        if self._leftover and threading.current_thread() in self._leftover:
            self._late += len(text)
            return ""
        if len(text) <= self._left:
            self._left -= len(text)
            return text
        kept = text[: self._left]
        self._cut += len(text) - self._left
        self._left = 0
        return kept

    def end_cell(self, *, watch_threads: bool) -> tuple[int, int]:
        """End a cell.

        Parameters
        ----------
        watch_threads
            Drop what threads that still run now will write during later cells.

        Returns
        -------
        tuple of int
            Characters that were cut, and characters dropped because an earlier cell's thread wrote them.
        """
        threads = threading.enumerate() if watch_threads else []
        self._leftover = weakref.WeakSet(thread for thread in threads if not self._is_ours(thread))
        return self._cut, self._late

    def _is_ours(self, thread: threading.Thread) -> bool:
        return thread in self._ours or thread.name.startswith("subshell")  # ipykernel starts those on demand


METER = TextMeter()
"""The kernel's one meter; stdout and stderr share it."""


class CappedStream(OutStream):
    """stdout or stderr of the REPL kernel, capped by `METER`, what reaches the file descriptor included."""

    made: ClassVar[list[CappedStream]] = []
    """stdout and stderr, wherever a cell has put them."""

    _copying = False

    def __init__(self, *args: Any, watchfd: bool = True, **options: Any) -> None:
        self.made.append(self)
        # "force": ipykernel leaves the descriptors alone inside a pytest run, and a kernel that a test starts would
        # then lose what is written past Python.
        super().__init__(*args, watchfd="force" if watchfd else False, **options)

    def write(self, string: str) -> int:
        """Write what the meter admits; reports all of it as written, as a cut is no fault of the cell's."""
        if not isinstance(string, str):
            raise TypeError(f"write() argument must be str, not {type(string).__name__}")
        if kept := METER.admit(string):
            super().write(sendable(kept))
        return len(string)

    def write_beyond(self, text: str) -> None:
        """Write a remark of the kernel's own, whatever the meter says."""
        super().write(text)

    def close(self) -> None:
        """Stay open: the next cell prints too."""

    def drain(self) -> None:
        """Wait (a second at most) until what was written to the file descriptor has arrived here."""
        if self._fid is None or not self._should_watch:
            return
        give_up = time.monotonic() + _DRAIN_S
        while (self._copying or _waiting_bytes(self._fid)) and time.monotonic() < give_up:
            time.sleep(0.0002)

    def _watch_pipe_fd(self) -> None:
        # Runs in ipykernel's thread for the redirected descriptor. Reads more at once than ipykernel does, keeps
        # characters whole, and does not copy to the original descriptor: a flood would fill somebody's log.
        if self._fid is None:
            return
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while self._should_watch:
            select.select([self._fid], [], [])
            self._copying = True  # before reading: `drain` must see the bytes either in the pipe or here
            # A cell may have broken builtins just now; if that ended this thread, nobody would empty the pipe.
            with contextlib.suppress(Exception):
                self.write(decoder.decode(os.read(self._fid, _PIPE_READ_BYTES)))
            self._copying = False


class CappedDisplays(ZMQDisplayPublisher):
    """Publishes displays up to the limits; says once what it left out."""

    _sent_bytes = 0
    _sent = 0
    dropped = 0

    def start_cell(self) -> None:
        """Begin a cell with the whole allowance."""
        self._sent_bytes = self._sent = self.dropped = 0

    def _flush_streams(self) -> None:
        flush_streams()

    def publish(self, data: dict[str, Any], metadata: Any = None, *args: Any, **more: Any) -> None:
        """Publish a MIME bundle, without the contents that are too large."""
        kept, size = fit_bundle(data)
        self._sent_bytes += size
        self._sent += 1
        if self._sent_bytes > CELL_DISPLAY_BYTES or self._sent > CELL_DISPLAYS:
            self.dropped += 1
            return
        super().publish(kept, metadata, *args, **more)


def fit_bundle(data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Take what is too large out of a MIME bundle.

    Returns
    -------
    tuple
        The bundle, where text is cut and other content replaced by a note, and its size in bytes (about).
    """
    kept: dict[str, Any] = {}
    notes: list[str] = []
    for mime, content in data.items():
        size = _size(content)
        if mime == "text/plain" and size > CELL_TEXT_CHARS:
            kept[mime] = f"{sendable(content[:CELL_TEXT_CHARS])}… [{size:,} characters]"
        elif size > DISPLAY_BYTES:
            notes.append(f"[{mime} of {size:,} bytes left out; the limit is {DISPLAY_BYTES:,}]")
        else:
            kept[mime] = sendable(content) if isinstance(content, str) else content
    if notes:
        kept["text/plain"] = "\n".join([*([kept["text/plain"]] if "text/plain" in kept else []), *notes])
    return kept, sum(map(_size, kept.values()))


def _size(content: Any) -> int:
    if isinstance(content, str | bytes):
        return len(content)
    try:
        return len(json.dumps(content))
    except (TypeError, ValueError, RecursionError):
        return 0  # it can't be sent, and whoever displays it is told so


def flush_streams() -> None:
    """Send what was printed, also where a cell has put something else in the place of ``sys.stdout``."""
    for stream in CappedStream.made:
        stream.flush()


def trust_output_thread(iopub: IOPubThread) -> None:
    """Answer for the output thread whether it is alive, in place of `threading.Thread.is_alive`.

    Before Python 3.13 an interrupt within ``is_alive()`` marks a running thread as stopped. ipykernel asks at every
    write; it would then send from the main thread too, on a socket that is not for two threads, and mix up messages.
    """
    thread, process = iopub.thread, os.getpid()

    def is_alive() -> bool:
        if os.getpid() != process:  # a forked child has no such thread
            return False
        return not iopub._stopped or threading.Thread.is_alive(thread)

    thread.is_alive = is_alive  # type: ignore[method-assign]  # of this one thread only


def sendable(text: str) -> str:
    """A text as a Jupyter message can carry it: lone surrogates, which UTF-8 lacks, are written as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _waiting_bytes(descriptor: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))
    return int(count)
