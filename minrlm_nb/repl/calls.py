"""The driver's end of the call channel: takes a cell's requests, has them answered, sends the replies.

Threads: one per kernel accepts the kernel's connection and then reads from it (`CallServer`); each request is
answered in a worker thread (`CallDesk`); cells begin and end in the engine's thread.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

from ..core.ports import CallHandler, Cancel
from ..wire import CallReply, CallRequest, WireError, pack_frame, read_frame
from .requests import BadRequest, checked, refusal, request_id
from .workers import Workers

MOST_IN_FLIGHT = 1024
"""Requests taken in before the first of them is answered; the reader waits then, and so does who sends."""

MOST_BYTES_IN_FLIGHT = 128 * 2**20
"""Their size altogether."""

Reply = Callable[[CallReply], None]


class CallDesk:
    """Answers the calls of one kernel's cells, however they come in.

    Calls are refused unless a cell is running.
    """

    def __init__(self) -> None:
        self._workers = Workers("minrlm-call")
        self._changed = threading.Condition()
        self._in_flight: dict[int, int] = {}
        self._handler: CallHandler | None = None
        self._cancel = Cancel()
        self._closed = False
        self._waited_s = 0.0
        self._waiting_since: float | None = None

    @property
    def waited_s(self) -> float:
        """Seconds of the present cell in which a call was under way."""
        with self._changed:
            now = 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since
            return self._waited_s + now

    def open(self, handler: CallHandler) -> Cancel:
        """A cell begins: answer its calls by ``handler``. The signal returned is set when the cell ends."""
        with self._changed:
            assert self._handler is None, "one cell at a time"
            self._handler, self._cancel = handler, Cancel()
            self._waited_s = 0.0
            self._waiting_since = time.monotonic() if self._in_flight else None
            return self._cancel

    def shut(self) -> None:
        """The cell has ended, or its time is up: refuse further calls and abandon those under way."""
        with self._changed:
            self._handler = None
            cancel = self._cancel
        cancel.stop()

    def take(self, raw: dict[str, Any], size: int, reply: Reply) -> None:
        """Answer a request: at once by refusing it, else from a worker thread.

        Parameters
        ----------
        raw
            The request as it came.
        size
            Its length in bytes.
        reply
            Called once with the answer, from any thread.

        Raises
        ------
        WireError
            If the request can't be answered at all: it has no id, or one that is in use.
        """
        number = request_id(raw)
        with self._changed:
            if number in self._in_flight:
                raise WireError(f"two calls have the id {number}")
            handler, cancel = self._handler, self._cancel
            if handler is not None:
                self._in_flight[number] = size
                if self._waiting_since is None:
                    self._waiting_since = time.monotonic()
        if handler is None:
            reply(refusal(number, "refused", "calls are only answered while a cell runs"))
            return
        job = _Job(number, raw, handler, cancel, reply, self._done)
        self._workers.submit(job.run)

    def wait_for_room(self, size: int) -> None:
        """Wait until a request of that many bytes may be taken in (one always may), or the desk is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(size))

    def close(self) -> None:
        """Abandon what is under way and end the threads."""
        self.shut()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._workers.close()

    def _has_room(self, size: int) -> bool:
        held = self._in_flight
        return not held or (len(held) < MOST_IN_FLIGHT and sum(held.values()) + size <= MOST_BYTES_IN_FLIGHT)

    def _done(self, number: int) -> None:
        with self._changed:
            del self._in_flight[number]
            if not self._in_flight and self._waiting_since is not None:
                self._waited_s += time.monotonic() - self._waiting_since
                self._waiting_since = None
            self._changed.notify_all()


class _Job:
    """One request on its way through a worker thread."""

    def __init__(
        self,
        number: int,
        raw: dict[str, Any],
        handler: CallHandler,
        cancel: Cancel,
        reply: Reply,
        done: Callable[[int], None],
    ) -> None:
        self._number, self._raw, self._handler, self._cancel = number, raw, handler, cancel
        self._reply, self._done = reply, done

    def run(self) -> None:
        answer = refusal(self._number, "refused", "the driver could not answer this call")
        try:
            if self._cancel.stopped:
                answer = refusal(self._number, "refused", "the cell has ended")
            else:
                answer = self._ask(checked(self._raw))
        except BadRequest as error:
            answer = refusal(self._number, "bad_request", str(error))
        finally:
            # First forget the id: the kernel may use it again as soon as it has the reply.
            self._done(self._number)
            self._reply(answer)

    def _ask(self, request: CallRequest) -> CallReply:
        answer = self._handler(request, self._cancel)
        return {**answer, "id": self._number}


class CallServer:
    """Listens on a unix socket for the kernel's one connection and serves it.

    The kernel connects while it starts, before any cell has run; then the socket is closed and its file removed, so
    nothing that a cell starts can connect. A connection that breaks the protocol is closed and stays closed:
    `broken` says why.
    """

    def __init__(self, path: Path, desk: CallDesk) -> None:
        self.connected = threading.Event()
        self.broken = ""
        self._path = path
        self._desk = desk
        self._closing = False
        self._connection: socket.socket | None = None
        self._sending = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, name="minrlm-calls", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._closing = True
        if not self.connected.is_set():
            self._wake_accept()
        elif self._connection is not None:
            _shut_down(self._connection)
        self._thread.join()

    def _wake_accept(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
            try:
                knock.connect(str(self._path))
            except OSError:  # the kernel has connected just now
                if self.connected.wait(1.0) and self._connection is not None:
                    _shut_down(self._connection)

    def _serve(self) -> None:
        with self._listener:
            connection, _ = self._listener.accept()
        self._path.unlink(missing_ok=True)
        with connection:
            self._connection = connection
            self.connected.set()
            if not self._closing:
                self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            try:
                while True:
                    frame = _Meter(stream)
                    raw = read_frame(frame.receive)
                    self._desk.wait_for_room(frame.size)
                    self._desk.take(raw, frame.size, self._send)
            except WireError as error:
                self.broken = str(error)
            except EOFError:
                self.broken = "the kernel closed it"
            except OSError as error:
                self.broken = f"it broke: {error}"
        _shut_down(connection)

    def _send(self, reply: CallReply) -> None:
        try:
            frame = pack_frame(reply)
        except WireError as error:
            frame = pack_frame(refusal(reply["id"], "refused", str(error)))
        connection = self._connection
        assert connection is not None, "a reply answers a request that came over the connection"
        with self._sending:
            try:
                connection.sendall(frame)
            except OSError as error:
                self.broken = self.broken or f"a reply could not be sent: {error}"


class _Meter:
    """Reads from a stream and counts the bytes."""

    def __init__(self, stream: BufferedReader) -> None:
        self.size = 0
        self._stream = stream

    def receive(self, count: int) -> bytes:
        data = self._stream.read(count)
        self.size += len(data)
        return data


def _shut_down(connection: socket.socket) -> None:
    """End both directions, so that a thread that reads from it or writes to it goes on."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other end was faster
