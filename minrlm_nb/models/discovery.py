"""Model servers on this machine: which of the usual ports answers, and with which models."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

LOCAL_SERVERS: Final = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))
"""Who serves the OpenAI protocol on which port when nobody says otherwise; asked all at once, taken in this order."""

CONNECT_S: Final = 0.3
READ_S: Final = 1.0
MAX_BODY_BYTES: Final = 1 << 20

_NOT_CHAT = re.compile(
    r"embed|rerank|whisper|moderation|(^|[/-])(bge|e5|gte|clip|tts)-|minilm|stable-diffusion|flux", re.IGNORECASE
)


@dataclass(frozen=True)
class LocalServer:
    """A server that answers; ``models`` are those one can chat with, as it lists them."""

    name: str
    base_url: str
    models: tuple[str, ...]


def find_local_servers(ports: Sequence[tuple[str, int]] = LOCAL_SERVERS) -> list[LocalServer]:
    """Ask every port at once for its models.

    Parameters
    ----------
    ports
        Name and port of each server on loopback.

    Returns
    -------
    list of LocalServer
        Those that answered in the OpenAI protocol with at least one chat model, in the order of ``ports``. Takes at
        most `CONNECT_S` and `READ_S` together, and a millisecond when nothing listens.
    """
    found: dict[int, tuple[str, ...]] = {}

    def ask(port: int) -> None:
        found[port] = chat_models(_url(port))

    threads = [threading.Thread(target=ask, args=(port,), name="find-server", daemon=True) for _, port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [LocalServer(name, _url(port), found[port]) for name, port in ports if found.get(port)]


def chat_models(base_url: str, api_key: str | None = None) -> tuple[str, ...]:
    """The chat models that a server on this machine lists.

    Parameters
    ----------
    base_url
        Of the server; plain HTTP on loopback, which no proxy is asked for.
    api_key
        Sent if given.

    Returns
    -------
    tuple of str
        Empty when nothing answers there in the OpenAI protocol.
    """
    listed = _get_models(base_url, api_key)
    data = listed.get("data") if isinstance(listed, Mapping) else None
    if not isinstance(data, list):
        return ()
    names = [entry.get("id") for entry in data if isinstance(entry, Mapping)]
    return tuple(name for name in names if isinstance(name, str) and name and not _NOT_CHAT.search(name))


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def _get_models(base_url: str, api_key: str | None) -> Any:
    parts = urlsplit(base_url)
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {api_key}"} if api_key else {})}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=CONNECT_S)
    try:
        connection.connect()
        connection.sock.settimeout(READ_S)
        connection.request("GET", parts.path.rstrip("/") + "/models", headers=headers)
        response = connection.getresponse()
        return json.loads(response.read(MAX_BODY_BYTES)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None  # nothing listens there, or something else does
    finally:
        connection.close()
