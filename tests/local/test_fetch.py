"""Fetching as a whole: room, locks, stamps, damage."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from minrlm_nb.errors import ModelFileError
from minrlm_nb.models.local import fetch, installed, list_models, store
from minrlm_nb.models.local.catalog import LocalFile, ModelEntry, Url
from minrlm_nb.models.local.progress import Bar, Lines, Silent, for_stream

from . import tiny

Known = Callable[..., ModelEntry]


@pytest.fixture
def here(known: Known, tmp_path: Path) -> Path:
    """The tiny model, fetched."""
    original = tmp_path / "original.gguf"
    original.write_bytes(tiny.CONTENT)
    known(LocalFile(str(original)))
    got = fetch.get("tiny", progress=Silent())
    original.unlink()
    return got


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    hashed: list[Path] = []
    real = store.sha256_of

    def counting(file: Path, on_bytes: Callable[[int], None] | None = None) -> str:
        hashed.append(file)
        return real(file, on_bytes)

    monkeypatch.setattr(store, "sha256_of", counting)
    return hashed


def test_an_unknown_model_names_those_there_are(known: Known) -> None:
    known()
    with pytest.raises(ModelFileError, match="there are tiny"):
        fetch.get("7b")


def test_a_failed_fetch_says_how_to_bring_the_file(known: Known) -> None:
    known(LocalFile("/nowhere/{file}"))
    with pytest.raises(ModelFileError, match="minrlm-nb model get tiny --file PATH"):
        fetch.get("tiny", progress=Silent())


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    known: Known, site: tiny.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(Url(site.url + "/{file}"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(ModelFileError, match=r"no room for the 0\.3 GB.*MINRLM_CACHE"):
        fetch.get("tiny", progress=Silent())
    assert site.asked == []


def test_a_disk_that_fills_up_on_the_way_is_told(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    known(LocalFile("/x"))

    def full(*args: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch, "_fetch", full)
    with pytest.raises(ModelFileError, match="no room"):
        fetch.get("tiny", progress=Silent())


def test_a_cache_folder_that_cannot_be_made_is_named(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known()
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MINRLM_CACHE", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelFileError, match="set MINRLM_CACHE"):
        fetch.get("tiny", progress=Silent())


def test_two_fetches_at_once_download_once(known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/{file}"))
    site.hold = threading.Event()
    results: list[Path] = []
    told = [Told(), Told()]
    threads = [threading.Thread(target=lambda t=t: results.append(fetch.get("tiny", progress=t))) for t in told]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while not any("waiting for it" in note for t in told for note in t.notes) and time.monotonic() < deadline:
        time.sleep(0.02)
    site.hold.set()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == tiny.CONTENT for path in results] == [True, True]
    assert len(site.downloads) == 1


def test_the_lock_of_a_killed_fetch_is_free(here: Path) -> None:
    lock = store.lock_file(tiny.entry())
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    assert fetch.remove("tiny")


def test_a_file_that_passed_is_not_hashed_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = count_hashes(monkeypatch)
    assert store.path("tiny") == here
    assert fetch.get("tiny") == here
    assert hashed == []


def test_a_touched_file_is_hashed_once_more(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(here, ns=(1, 1))
    hashed = count_hashes(monkeypatch)
    assert store.path("tiny") == here
    assert store.path("tiny") == here
    assert hashed == [here]


def test_a_damaged_file_is_deleted_and_the_command_named(here: Path) -> None:
    here.write_bytes(bytes(100_000))
    with pytest.raises(ModelFileError, match=r"was damaged.*minrlm-nb model get tiny"):
        store.path("tiny")
    assert not here.exists()


def test_a_damaged_file_is_fetched_anew(here: Path, known: Known, site: tiny.Site) -> None:
    known(Url(site.url + "/{file}"))
    here.write_bytes(b"short")
    told = Told()
    assert fetch.get("tiny", progress=told).read_bytes() == tiny.CONTENT
    assert "did not have the official hash" in told.notes[0]


def test_a_missing_model_names_the_command(known: Known) -> None:
    known()
    with pytest.raises(ModelFileError, match="fetch it with: minrlm-nb model get tiny"):
        store.path("tiny")


def test_what_is_here_is_listed(here: Path) -> None:
    assert installed() == ["tiny"]
    assert [(status.entry.name, status.installed) for status in list_models()] == [("tiny", True)]
    assert fetch.remove("tiny")
    assert installed() == []
    assert not fetch.remove("tiny")


def test_removing_from_a_cache_that_never_was_does_nothing(known: Known, cache: Path) -> None:
    known()
    assert not fetch.remove("tiny")
    assert not cache.exists()


def test_the_users_own_gguf_file_comes_first(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.gguf"
    monkeypatch.setenv("MINRLM_GGUF", str(own))
    assert installed() == ["file", "tiny"]
    with pytest.raises(ModelFileError, match="is not a file"):
        store.path("file")
    own.write_bytes(b"GGUF")
    assert store.path("file") == own


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        bar = for_stream(terminal)
        assert isinstance(bar, Bar)
        bar.show(10, 100)
        bar.show(100, 100)
        bar.close()
    assert b"100/100" in os.read(master, 100_000)
    os.close(master)
    lines = for_stream(sys.stderr)
    assert isinstance(lines, Lines)
    lines.note("trying")
    lines.show(10, 100)
    assert capsys.readouterr().err == "trying\n"
