"""The child process that holds the model: llama.cpp's OpenAI-compatible server on loopback.

Started as ``python -m minrlm_nb.models.local.server`` by `process.LocalServer`. One line of JSON on stdin says what
to serve and which key to ask for; one line on stdout says where. The end of stdin, or the death of the owner, ends
it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final, TypedDict

PR_SET_PDEATHSIG: Final = 1

PROMPT_CACHE_MIB: Final = 256
"""Memory for the states of prompts that lost their slot; a sub-call between two steps does not cost the prefix."""

SLEEP_AFTER_S: Final = 900
"""Seconds without a request until the weights are unloaded; the next request loads them again."""


class Settings(TypedDict):
    """The line on stdin."""

    owner: int
    model: str
    api_key: str
    n_ctx: int
    threads: int


def main() -> None:
    """Serve until the owner is gone."""
    settings: Settings = json.loads(sys.stdin.readline())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the owner's cell, not for us
    _end_with(settings["owner"])
    threading.Thread(target=_watch_stdin, name="owner-watch", daemon=True).start()
    # llama.cpp may print to stdout, which carries our one line; what it prints goes to the log.
    answer = os.dup(1)
    os.dup2(2, 1)
    server = _start(settings)
    with contextlib.suppress(BrokenPipeError), os.fdopen(answer, "w", encoding="utf-8") as stream:
        stream.write(json.dumps({"base_url": f"{server.listening_address}/v1"}) + "\n")
    threading.Event().wait()


def _start(settings: Settings) -> Any:
    import xllamacpp  # type: ignore[import-untyped, unused-ignore]

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {Path(settings["model"]).stem}  # else replies and traces would name the file's path
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.n_ctx = settings["n_ctx"]
    params.n_parallel = 1
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_prompt = True
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.sleep_idle_seconds = SLEEP_AFTER_S
    params.verbosity = 1  # errors only
    if platform.machine() in ("x86_64", "AMD64"):
        # Weights repacked for AVX2 are read 20 % slower than the file as it is, and held in memory twice.
        params.no_extra_bufts = True
    for unwanted in ("ui", "endpoint_slots", "endpoint_props", "endpoint_metrics"):
        setattr(params, unwanted, False)
    return xllamacpp.Server(params)


def _end_with(owner: int) -> None:
    """Have the kernel kill us when the owner's starting thread ends; go at once if it is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        os._exit(1)


def _watch_stdin() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
