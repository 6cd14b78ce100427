"""Lays task and inputs into a kernel: texts travel as files, their names in one request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..core.ports import InputText
from ..errors import KernelError
from ..wire import SEED_REQUEST, TEXT_ENCODING, TEXT_ERRORS, SeedInput
from .kernel import LiveKernel

BIG_BYTES = 2**20
"""From here on the RAM disk pays."""

SEED_TIMEOUT_S = 60.0
BYTES_PER_S = 10 * 2**20
"""What the slowest machine is trusted to read, on top of `SEED_TIMEOUT_S`."""

_CHUNK_CHARS = 4 * 2**20


def seed(kernel: LiveKernel, task: str, inputs: Sequence[InputText]) -> None:
    """Write the inputs, have the kernel read them, remove the files.

    Raises
    ------
    KernelError
        If the kernel dies, refuses or does not answer, or no disk has room for the inputs.
    """
    most_bytes = sum(len(item.text) * (1 if item.text.isascii() else 4) for item in inputs)
    files: list[SeedInput] = []
    try:
        folder = _folder_with_room(kernel, most_bytes)
        for number, item in enumerate(inputs):
            path = folder / f"input-{number}"
            files.append({"name": item.facts.name, "path": str(path)})
            write_text(path, item.text)
        timeout_s = SEED_TIMEOUT_S + most_bytes / BYTES_PER_S
        reply = kernel.ask(SEED_REQUEST, {"task": task, "inputs": files}, timeout_s).content
    except OSError as error:
        raise KernelError(f"the inputs could not be handed to the REPL kernel: {error}") from error
    finally:
        for file in files:
            Path(file["path"]).unlink(missing_ok=True)
    if reply.get("status") != "ok":
        raise KernelError(f"the REPL kernel could not take task and inputs: {str(reply.get('error'))[:500]}")


def write_text(path: Path, text: str) -> None:
    """Write a text exactly, readable by its owner only.

    In pieces: an encoded copy of all of it would cost its size in memory once more, and time.
    """
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as file:
        for start in range(0, len(text), _CHUNK_CHARS):
            piece = memoryview(text[start : start + _CHUNK_CHARS].encode(TEXT_ENCODING, TEXT_ERRORS))
            while piece:
                piece = piece[file.write(piece) :]


def _folder_with_room(kernel: LiveKernel, most_bytes: int) -> Path:
    if most_bytes >= BIG_BYTES and (shared := kernel.shared_folder()) is not None:
        disk = os.statvfs(shared)
        if disk.f_bavail * disk.f_frsize > 2 * most_bytes:
            return shared
    return kernel.folder
