"""Names and shapes that the driver and the REPL kernel share (standard library only).

Two roads join the two processes:

* Jupyter's own messages. Besides ``execute_request`` the kernel understands `SEED_REQUEST`, which lays the
  task and the inputs into the namespace, and every ``execute_reply`` carries a `CellReport` under
  ``metadata[METADATA_KEY]``.
* The *call channel*: frames over a unix socket that the driver listens on and the kernel connects to. A frame
  is a 4-byte big-endian length and that many bytes of ASCII JSON, so that lone surrogates survive. The kernel
  sends `CallRequest`, the driver answers each with a `CallReply` of the same ``id``, in any order. Where no socket
  can be shared, the same JSON travels as the prompt and the value of ``input_request`` / ``input_reply``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, Final, Literal, TypedDict

METADATA_KEY: Final = "minrlm"
ANSWER_MIME: Final = "application/vnd.minrlm.answer+json"
"""``FINAL`` displays an `EncodedAnswer` under this type; a long answer is cut there, and the note says so."""

SEED_REQUEST: Final = "minrlm_seed_request"
SEED_REPLY: Final = "minrlm_seed_reply"

CALLS_FLAG: Final = "--calls"
"""Command-line flag of the kernel: the path of the call channel's socket."""

OWNED_FLAG: Final = "--owned"
"""Command-line flag of the kernel: the process id of the driver that started it and whose end it must not outlive.
The thread that started the kernel must live as long as the kernel may: Linux counts the thread as the parent."""

STDIN_CALL_PREFIX: Final = "\x00minrlm-call\x00"
"""An ``input_request`` whose prompt starts so is a call, not a question to a person."""

TEXT_ENCODING: Final = "utf-8"
TEXT_ERRORS: Final = "surrogatepass"
"""How an input's text is written to its file and read back: exact for every `str`, lone surrogates included."""

MAX_FRAME_BYTES: Final = 64 * 2**20
"""The largest frame either side accepts."""

Op = Literal["sub_llm", "rlm", "final"]
FailureKind = Literal["budget", "model", "rejected", "refused", "bad_request"]


class SeedInput(TypedDict):
    """One input: the name it gets in the namespace and the file that holds its text."""

    name: str
    path: str


class SeedContent(TypedDict):
    """Content of a `SEED_REQUEST`. Seeding again replaces task and inputs; other variables stay."""

    task: str
    inputs: list[SeedInput]


class SeedReply(TypedDict, total=False):
    """Content of a `SEED_REPLY`; ``error`` only when ``status`` is ``"error"``."""

    status: Literal["ok", "error"]
    error: str


class CallRequest(TypedDict, total=False):
    """A request over the call channel.

    ``sub_llm`` and ``rlm`` use ``task``, ``context`` and ``choices``; ``final`` uses ``answer``.
    """

    id: int
    op: Op
    task: str
    context: str
    choices: list[str] | None
    answer: EncodedAnswer
    reads: Reads


class CallReply(TypedDict, total=False):
    """The driver's answer to the request with the same ``id``: ``value`` when ``ok``, else ``kind`` and ``error``."""

    id: int
    ok: bool
    value: str
    kind: FailureKind
    error: str


class EncodedAnswer(TypedDict):
    """A value given to ``FINAL``: JSON as it is, or its text with a ``note`` that says what it was."""

    value: Any
    note: str


class Variable(TypedDict):
    """One user variable, described without calling its ``repr``: ``size`` is its length, or -1 if it has none."""

    name: str
    type: str
    size: int
    preview: str


class Reads(TypedDict):
    """What the helpers have seen of the inputs since the kernel was seeded."""

    searches: int
    empty_searches: int
    peeks: int
    sub_calls: int


class CellReport(TypedDict):
    """What a cell left behind: variables new or changed, remarks for the model, reads so far.

    ``error_line`` is the line of the cell (from 1) that failed, or None if none did or it is not known.
    """

    variables: list[Variable]
    notices: list[str]
    reads: Reads
    error_line: int | None


class WireError(ValueError):
    """A frame that breaks the protocol: too long, not JSON, or not an object."""


_HEADER = struct.Struct("!I")


def pack_frame(message: Any) -> bytes:
    """Encode one message as a frame.

    Raises
    ------
    WireError
        If the frame would be longer than `MAX_FRAME_BYTES`.
    """
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME_BYTES:
        raise WireError(
            f"a message of {len(body):,} bytes is over the limit of {MAX_FRAME_BYTES:,}; send less text at once"
        )
    return _HEADER.pack(len(body)) + body


def read_frame(receive: Callable[[int], bytes]) -> dict[str, Any]:
    """Read one frame.

    Parameters
    ----------
    receive
        Like ``socket.recv``: returns up to that many bytes, ``b""`` at the end of the stream.

    Raises
    ------
    EOFError
        If the stream ends, whether between frames or inside one.
    WireError
        If the frame is too long or its body is not a JSON object. The stream can't be used after that.
    """
    (length,) = _HEADER.unpack(_exactly(receive, _HEADER.size))
    if length > MAX_FRAME_BYTES:
        raise WireError(f"a frame announced {length:,} bytes; the limit is {MAX_FRAME_BYTES:,}")
    body = _exactly(receive, length)
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a frame of {length:,} bytes is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise WireError(f"a frame holds {type(message).__name__}, not an object")
    return message


def _exactly(receive: Callable[[int], bytes], count: int) -> bytes:
    buffer = bytearray()
    while len(buffer) < count:
        chunk = receive(min(1 << 20, count - len(buffer)))
        if not chunk:
            raise EOFError("the call channel closed")
        buffer += chunk
    return bytes(buffer)
