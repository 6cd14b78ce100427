"""The call channel as a cell sees it: requests go out, replies come back in the order of the requests."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from ..wire import STDIN_CALL_PREFIX, CallReply, CallRequest, FailureKind, WireError, pack_frame, read_frame

NO_MODEL = "no model is attached to this kernel; start it with %%rlm, RLM(...) or minrlm-nb run to have one"


class CallChannel(Protocol):
    """Where requests go. Callable from any thread of the kernel's process."""

    def ask_all(self, requests: Sequence[CallRequest]) -> list[CallReply]:
        """Send every request, wait for every reply; replies in the requests' order. A failure is a reply too."""


class SocketChannel:
    """Frames over one unix socket, any number of requests in flight.

    One thread reads and one writes, so that an interrupt, which hits the main thread only, never leaves half a
    frame on the wire.

    Parameters
    ----------
    connection
        A connected stream socket; owned by the channel from here on.
    on_close
        Called in the reader's thread once the driver has closed its end, after the waiting calls were failed.
    """

    def __init__(self, connection: socket.socket, on_close: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._on_close = on_close
        self._pid = os.getpid()
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Slot] = {}
        self._closed = ""
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write, name="minrlm-calls-out", daemon=True),
            threading.Thread(target=self._read, name="minrlm-calls-in", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def connect(cls, path: str, on_close: Callable[[], None] | None = None) -> SocketChannel:
        """Connect to the socket the driver listens on.

        Raises
        ------
        OSError
            If nobody listens there.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return cls(connection, on_close)

    def ask_all(self, requests: Sequence[CallRequest]) -> list[CallReply]:
        """Send every request at once and wait for the replies."""
        if os.getpid() != self._pid:
            return [_failed("refused", "a forked process can't call the model; use threads or sub_llm_batch")] * len(
                requests
            )
        sent: list[_Slot] = []
        try:
            with interruptible():
                for request in requests:
                    sent.append(self._send(request))
                return [slot.wait() for slot in sent]
        finally:
            for slot in sent:
                self._waiting.pop(slot.id, None)

    def close(self) -> None:
        """Close the connection and end both threads."""
        self._outbox.put(None)
        with _ignore_dead_socket():
            self._connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._connection.close()

    def _send(self, request: CallRequest) -> _Slot:
        slot = _Slot(next(self._ids))
        try:
            frame = pack_frame({**request, "id": slot.id})
        except WireError as error:
            slot.fill(_failed("bad_request", str(error)))
            return slot
        self._waiting[slot.id] = slot
        self._outbox.put(frame)
        if self._closed:  # the reader may have gone between; whoever comes second fills the slot
            slot.fill(_failed("refused", self._closed))
        return slot

    def _write(self) -> None:
        while (frame := self._outbox.get()) is not None:
            with _ignore_dead_socket():  # the reader notices the same end and fails the waiting calls
                self._connection.sendall(frame)

    def _read(self) -> None:
        try:
            while True:
                message = read_frame(self._connection.recv)
                number = message.get("id")
                slot = self._waiting.pop(number, None) if isinstance(number, int) else None
                if slot is not None:  # else the cell stopped waiting (an interrupt), or the id was never ours
                    slot.fill(cast(CallReply, message))
        except (OSError, EOFError, WireError) as error:
            self._closed = f"the call channel to the driver is closed ({error}); sub-calls are no longer possible"
        finally:  # also when a cell has broken builtins under our feet: nobody may wait for a thread that is gone
            self._closed = self._closed or "the call channel to the driver broke; sub-calls are no longer possible"
            self._outbox.put(None)
            for slot in [*self._waiting.values()]:
                slot.fill(_failed("refused", self._closed))
            if self._on_close is not None:
                self._on_close()


class StdinChannel:
    """Requests as ``input_request`` prompts, where no socket can be shared. One at a time.

    Parameters
    ----------
    ask
        Like `input`: sends the prompt to the driver, returns the line it answers with.
    """

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask
        # The stdin socket belongs to one thread at a time, and replies carry nothing to tell them apart.
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    def ask_all(self, requests: Sequence[CallRequest]) -> list[CallReply]:
        """Send the requests one after the other."""
        with interruptible():
            return [self._ask_one(request) for request in requests]

    def _ask_one(self, request: CallRequest) -> CallReply:
        id_ = next(self._ids)
        prompt = STDIN_CALL_PREFIX + json.dumps({**request, "id": id_})
        with self._lock:
            answer = self._ask(prompt)
        try:
            reply = json.loads(answer)
        except ValueError as error:
            return _failed("bad_request", f"the driver's reply is not JSON: {error}")
        if not isinstance(reply, dict):
            return _failed("bad_request", f"the driver replied with {type(reply).__name__}, not an object")
        if reply.get("id") != id_:  # left over from a call that was interrupted
            return _failed("bad_request", "the driver's reply belongs to an earlier call; try again")
        return cast(CallReply, reply)


class NoChannel:
    """Stands in while no driver is there; every request fails with the way to get one."""

    def ask_all(self, requests: Sequence[CallRequest]) -> list[CallReply]:
        """Fail each request."""
        return [_failed("refused", NO_MODEL) for _ in requests]


class _Slot:
    """A place for one reply: filled by the reader's thread, awaited by the caller's."""

    def __init__(self, id_: int) -> None:
        self.id = id_
        self._reply: CallReply | None = None
        self._taken = threading.Lock()
        # A bare lock: its acquire can be interrupted by a signal, and it has no inner state to leave half changed.
        self._ready = threading.Lock()
        self._ready.acquire()

    def fill(self, reply: CallReply) -> None:
        """Set the reply; the first one counts."""
        if self._taken.acquire(blocking=False):
            self._reply = reply
            self._ready.release()

    def wait(self) -> CallReply:
        """Block until the reply is there."""
        self._ready.acquire()
        self._ready.release()
        assert self._reply is not None
        return self._reply


def _failed(kind: FailureKind, error: str) -> CallReply:
    return CallReply(ok=False, kind=kind, error=error)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGINT raise `KeyboardInterrupt` here, whatever handler is set.

    In a cell with a top-level ``await`` ipykernel's handler only asks the event loop to cancel the cell, which
    a blocking wait would never let it do. Outside the main thread nothing is to be done: signals don't arrive there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous: Any = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous if previous is not None else signal.SIG_DFL)


@contextmanager
def _ignore_dead_socket() -> Iterator[None]:
    try:
        yield
    except OSError:
        return
