"""The kernel's message channels: sends requests, and reads what comes back without trusting it.

The kernel runs hostile code that can reach its own sockets and the key that signs their messages. So a message is
only what it can be shown to be: size-limited by zmq, checked part by part, and dropped when it makes no sense.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.session import DELIM, Session

from ..wire import MAX_FRAME_BYTES

Channel = Literal["shell", "iopub", "stdin", "control"]

MAX_MESSAGE_BYTES: Final = 32 * 2**20
"""Longest message part taken from the kernel; zmq drops the connection over it. A call over stdin may be longer."""

READ_AT_ONCE: Final = 200
"""Messages taken from a channel in one go, so that a flood can't keep the driver from its clocks."""

_PARTS: Final = 5  # signature, header, parent header, metadata, content


@dataclass(frozen=True)
class Message:
    """A message from the kernel; ``type`` is empty when it made no sense."""

    channel: Channel
    size: int
    type: str = ""
    parent: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def pack(value: Any) -> bytes:
    """Encode JSON in ASCII: unlike jupyter_client's default, right for lone surrogates too."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, default=str).encode("ascii")


def make_session() -> Session:
    """A jupyter_client session (identity, key, signing) that packs as `pack` does."""
    return Session(pack=pack, unpack=json.loads)


class Channels:
    """The four sockets to one kernel.

    zmq sockets belong to one thread at a time: the one that started the kernel, then the one that runs its cells.

    Parameters
    ----------
    context
        Makes the sockets; closing it is its owner's part.
    session
        Signs and packs; the kernel knows its key.
    info
        The kernel's connection info, as in its connection file; the transport is ``ipc``.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], session: Session, info: KernelConnectionInfo) -> None:
        self._session = session
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        ports: dict[Channel, int] = {
            "shell": info["shell_port"],
            "iopub": info["iopub_port"],
            "stdin": info["stdin_port"],
            "control": info["control_port"],
        }
        for channel, port in ports.items():
            socket = context.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
            socket.linger = 0
            socket.set(zmq.MAXMSGSIZE, 2 * MAX_FRAME_BYTES if channel == "stdin" else MAX_MESSAGE_BYTES)
            socket.set(zmq.RECONNECT_IVL, 5)  # ms: connecting begins before the kernel has bound its sockets
            if channel == "iopub":
                socket.subscribe(b"")
            else:
                socket.set(zmq.IDENTITY, session.bsession)  # stdin finds its way back by the shell's identity
            socket.connect(f"ipc://{info['ip']}-{port}")
            self._sockets[channel] = socket

    def register(self, poller: zmq.Poller) -> None:
        """Have the poller wake for what comes in."""
        for socket in self._sockets.values():
            poller.register(socket, zmq.POLLIN)

    def send(self, channel: Channel, kind: str, content: dict[str, Any]) -> str:
        """Send a request and return its id, which the replies name as their parent."""
        message = self._session.msg(kind, content)
        self._sockets[channel].send_multipart(self._session.serialize(message))
        return str(message["msg_id"])

    def received(self) -> Iterator[Message]:
        """What has come in, up to `READ_AT_ONCE` messages a channel, without waiting."""
        for channel, socket in self._sockets.items():
            for _ in range(READ_AT_ONCE):
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                yield parse(channel, parts, self._session)

    def close(self) -> None:
        """Close the sockets."""
        for socket in self._sockets.values():
            socket.close()


def parse(channel: Channel, parts: list[bytes], session: Session) -> Message:
    """Read a message from its parts; whatever those are, it returns."""
    size = sum(map(len, parts))
    nonsense = Message(channel, size)
    if DELIM not in parts:
        return nonsense
    signed = parts[parts.index(DELIM) + 1 :]
    if len(signed) < _PARTS or session.sign(signed[1:_PARTS]) != signed[0]:
        return nonsense
    try:
        header, parent, metadata, content = map(json.loads, signed[1:_PARTS])
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested too deep
        return nonsense
    if not all(isinstance(part, dict) for part in (header, parent, metadata, content)):
        return nonsense
    kind, parent_id = header.get("msg_type"), parent.get("msg_id", "")
    if not isinstance(kind, str) or not isinstance(parent_id, str):
        return nonsense
    return Message(channel, size, kind, parent_id, content, metadata)
