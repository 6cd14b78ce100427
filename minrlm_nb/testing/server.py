"""A scripted OpenAI-compatible server on loopback: in a thread of this process, or as a process of its own.

``python -m minrlm_nb.testing.server --script script.json`` serves until its standard input closes and prints its base
URL first. The file is a JSON object with the arguments of `ScriptedServer`: ``replies`` and ``answer_sub_calls`` as
texts, everything else as it is named there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ..core.records import ModelRequest
from ..errors import ConfigError
from .endpoint import Behaviour, Endpoint, Received
from .script import Reply, Script, Scripted

__all__ = ["Received", "ScriptedServer", "main", "server_process"]

START_S = 10.0


class ScriptedServer:
    """A context manager that is an endpoint; ``base_url`` is what a client needs.

    Parameters
    ----------
    replies, answer_sub_calls, cycle
        See `minrlm_nb.testing.script.Script`.
    latency_s : float
        Seconds from request to reply; ``sub_latency_s`` for sub-calls, if they differ.
    tokens_per_s : float or None
        Pace of a stream at four characters a token; None for no pause.
    usage : bool
        Whether replies report their tokens.
    api_key : str or None
        The key that is wanted; None takes any.
    models : sequence of str
        What ``/v1/models`` lists; with ``known_models_only`` every other name is a 404.
    refuses : sequence of str
        Parameters answered with a 400, for example ``temperature``.
    error_style : ``"openai"`` or ``"message"``
        Errors with ``param`` and ``code``, or a bare message as other servers send.
    reasoning_field : str
        Field of a reply's reasoning.
    chunk_chars : int
        Characters a streamed piece (long replies in at most 2,000 pieces).
    port : int
        0 for a free one.

    Attributes
    ----------
    requests : list of Received
        Everything that came in, in order.

    Examples
    --------
    >>> with ScriptedServer(["hello"]) as server:
    ...     server.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        replies: str | Sequence[Scripted] | Callable[[ModelRequest], Reply] = (),
        answer_sub_calls: Scripted | None = None,
        *,
        cycle: bool = False,
        latency_s: float = 0.0,
        sub_latency_s: float | None = None,
        tokens_per_s: float | None = None,
        usage: bool = True,
        api_key: str | None = None,
        models: Sequence[str] = ("scripted",),
        known_models_only: bool = False,
        refuses: Sequence[str] = (),
        error_style: Literal["openai", "message"] = "openai",
        reasoning_field: str = "reasoning_content",
        chunk_chars: int = 24,
        port: int = 0,
    ) -> None:
        behaviour = Behaviour(
            latency_s=latency_s,
            sub_latency_s=latency_s if sub_latency_s is None else sub_latency_s,
            tokens_per_s=tokens_per_s,
            usage=usage,
            api_key=api_key,
            models=tuple(models),
            known_models_only=known_models_only,
            refuses=tuple(refuses),
            error_style=error_style,
            reasoning_field=reasoning_field,
            chunk_chars=chunk_chars,
        )
        self._endpoint = Endpoint(Script(replies, answer_sub_calls, cycle), behaviour)
        self._port = port
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] | None = None

    def __enter__(self) -> ScriptedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """For ``OpenAI(base_url=…)``."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Received]:
        """Everything that came in, in order."""
        return self._endpoint.requests

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._endpoint.connections

    def start(self) -> None:
        """Listen."""
        listening: Future[tuple[int, Callable[[], object]]] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="scripted-server", daemon=True)
        self._thread.start()
        self._port, self._stop = listening.result(START_S)

    def close(self) -> None:
        """Stop listening and drop every connection; harmless when called again."""
        if self._thread is not None and self._stop is not None:
            self._stop()
            self._thread.join()
            self._thread = self._stop = None

    def _run(self, listening: Future[tuple[int, Callable[[], object]]]) -> None:
        asyncio.run(self._serve(listening))  # cancels the connections that are left and waits for them

    async def _serve(self, listening: Future[tuple[int, Callable[[], object]]]) -> None:
        try:
            server = await asyncio.start_server(self._endpoint.serve_connection, "127.0.0.1", self._port)
        except OSError as error:
            listening.set_exception(error)
            return
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        port = server.sockets[0].getsockname()[1]
        listening.set_result((port, partial(loop.call_soon_threadsafe, stopped.set)))
        await stopped.wait()
        server.close()


@contextmanager
def server_process(**script: Any) -> Iterator[str]:
    """A scripted server in a process of its own, so that it shares no interpreter lock with its client.

    Parameters
    ----------
    **script
        Arguments of `ScriptedServer` that JSON can hold.

    Yields
    ------
    str
        The base URL.
    """
    command = [sys.executable, "-m", "minrlm_nb.testing.server", "--script", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise ConfigError("the server process has no pipes")
        process.stdin.write(json.dumps(script) + "\n")
        process.stdin.flush()
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until standard input closes, so that the server never outlives who started it."""
    parser = argparse.ArgumentParser(prog="python -m minrlm_nb.testing.server", description=__doc__)
    parser.add_argument("--script", default="-", help="JSON file; - reads one line of JSON from standard input")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 for a free one")
    options = parser.parse_args(arguments)
    text = sys.stdin.readline() if options.script == "-" else Path(options.script).read_text(encoding="utf-8")
    with ScriptedServer(**{"port": options.port, **json.loads(text)}) as server:
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
