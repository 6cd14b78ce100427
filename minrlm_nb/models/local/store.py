"""The cache folder: which weights lie there, and whether they are the official bytes.

Hashing a gigabyte takes seconds, so a file that passed gets a stamp beside it (size, time of change, hash) and
is only hashed again when the stamp no longer fits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ...errors import ModelFileError
from . import catalog
from .catalog import APP, ModelEntry, find

OWN_FILE = "file"
"""The name of the user's own GGUF file, given by ``MINRLM_GGUF``."""


@dataclass(frozen=True)
class ModelStatus:
    """One line of ``minrlm-nb model list``."""

    entry: ModelEntry
    path: Path
    installed: bool


def folder() -> Path:
    """Where weights are kept: ``MINRLM_CACHE``, or ``models`` in the user's cache folder."""
    named = os.environ.get("MINRLM_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path(APP) / "models"


def place(entry: ModelEntry) -> Path:
    """Where a model's file lies, or would lie."""
    return folder() / entry.file


def own_file() -> Path | None:
    """The user's own GGUF file (``MINRLM_GGUF``), or None if the variable is not set."""
    named = os.environ.get("MINRLM_GGUF")
    return Path(named).expanduser() if named else None


def list_models() -> list[ModelStatus]:
    """Every model of the catalog, and whether it is here."""
    return [ModelStatus(entry, place(entry), _looks_whole(entry)) for entry in catalog.MODELS]


def installed() -> list[str]:
    """Names that `open_local` takes on this machine, the preferred one first; looks, but hashes nothing."""
    own = [OWN_FILE] if own_file() else []
    return own + [entry.name for entry in catalog.MODELS if _looks_whole(entry)]


def path(name: str) -> Path:
    """The verified file of a model.

    Raises
    ------
    ModelFileError
        If it is not here or not the official bytes; says what to type.
    """
    if name == OWN_FILE:
        own = own_file()
        if own is None:
            raise ModelFileError("no own model file is set; set MINRLM_GGUF to the path of a GGUF file", name=name)
        if not own.is_file():
            raise ModelFileError(f"MINRLM_GGUF names {own}, which is not a file; correct it or unset it", name=name)
        return own
    entry = find(name)
    target = place(entry)
    if not target.exists():
        raise ModelFileError(
            f"the embedded model {name} is not on this machine; fetch it with: minrlm-nb model get {name}", name=name
        )
    if not verified(entry):
        drop(entry)
        raise ModelFileError(
            f"{target} was damaged (its hash is not the official one) and was deleted; "
            f"fetch it again with: minrlm-nb model get {name}",
            name=name,
        )
    return target


def verified(entry: ModelEntry) -> bool:
    """Whether the model's file is here and is the official one; hashes it only if its stamp does not fit."""
    target = place(entry)
    if not _looks_whole(entry):
        return False
    if _read_stamp(target) == _stamp_of(target, entry.sha256):
        return True
    if sha256_of(target) != entry.sha256:
        return False
    stamp(entry)
    return True


def stamp(entry: ModelEntry) -> None:
    """Note that the file as it lies here passed."""
    target = place(entry)
    mark = _stamp_path(target)
    fresh = mark.with_name(f"{mark.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(_stamp_of(target, entry.sha256)), encoding="utf-8")
        fresh.replace(mark)
    except OSError:
        # A stamp only saves time: a cache that a site mounts read-only works too, hashed at every start.
        fresh.unlink(missing_ok=True)


def drop(entry: ModelEntry) -> bool:
    """Delete a model's file and stamp; True if there was a file."""
    target = place(entry)
    had = target.exists()
    target.unlink(missing_ok=True)
    _stamp_path(target).unlink(missing_ok=True)
    return had


def partial_folder(entry: ModelEntry) -> Path:
    """Where an unfinished download of a model is kept."""
    return folder() / f".{entry.file}.partial"


def lock_file(entry: ModelEntry) -> Path:
    """The file that whoever changes a model holds locked."""
    return folder() / f".{entry.file}.lock"


def sha256_of(file: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of a file, in hex; ``on_bytes`` hears how many bytes were read so far."""
    digest = hashlib.sha256()
    done = 0
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 22):
            digest.update(chunk)
            done += len(chunk)
            if on_bytes is not None:
                on_bytes(done)
    return digest.hexdigest()


def _looks_whole(entry: ModelEntry) -> bool:
    target = place(entry)
    return target.is_file() and target.stat().st_size == entry.size


def _stamp_path(target: Path) -> Path:
    return target.with_name(target.name + ".stamp")


def _stamp_of(target: Path, sha256: str) -> dict[str, object]:
    status = target.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256}


def _read_stamp(target: Path) -> object:
    try:
        return json.loads(_stamp_path(target).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no stamp, or an unreadable one: the file is hashed
        return None
