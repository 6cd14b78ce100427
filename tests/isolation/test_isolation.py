"""Levels, private folders, and what the kernel's environment may hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minrlm_nb.errors import ConfigError, NotAvailableError
from minrlm_nb.isolation import achieve, folders
from minrlm_nb.isolation.environment import minimal_environment


@pytest.mark.parametrize("asked", ["auto", "none"])
def test_this_version_runs_unboxed_and_says_so(asked: str) -> None:
    level = achieve(asked)
    assert (level.name, level.provisioner) == ("none", "minrlm-none")
    assert "unboxed" in level.banner
    assert "all your rights" in level.banner


@pytest.mark.parametrize("asked", ["docker", "bwrap", "landlock"])
def test_a_level_of_a_later_version_is_refused(asked: str) -> None:
    with pytest.raises(NotAvailableError, match=asked):
        achieve(asked)


def test_another_word_is_no_level() -> None:
    with pytest.raises(ConfigError, match="'auto' or 'none', not 'jail'"):
        achieve("jail")


def test_no_secret_passes_into_the_environment() -> None:
    kept = {"PATH": "/bin", "HOME": "/root", "LC_ALL": "C", "LANG": "C", "VIRTUAL_ENV": "/v", "TZ": "UTC"}
    dropped = [
        "OPENAI_API_KEY",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "SSH_AUTH_SOCK",
        "PGPASSWORD",
        "http_proxy",
        "MINRLM_X",
    ]
    assert minimal_environment(kept | dict.fromkeys(dropped, "secret")) == kept


# -- folders ---------------------------------------------------------------------------------------------------


def test_a_folder_is_private_and_names_its_owner(tmp_path: Path) -> None:
    folder = folders.make_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert f"-{os.getpid()}-" in folder.name
    folders.remove_folder(folder)
    assert not folder.exists()


def test_a_folder_whose_modes_a_cell_changed_is_removed(tmp_path: Path) -> None:
    folder = folders.make_folder(tmp_path)
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(0)
    (folder / "a").chmod(0o500)
    folders.remove_folder(folder)
    assert not folder.exists()


def test_removing_a_folder_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    folder = folders.make_folder(tmp_path)
    (folder / "link").symlink_to(outside)
    folders.remove_folder(folder)
    assert (outside / "kept").exists()


def test_a_long_temp_dir_is_avoided_for_the_sake_of_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    folder = folders.make_folder()
    assert len(str(folder / "calls")) < 104
    folders.remove_folder(folder)


def test_only_folders_of_dead_owners_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = folders.make_folder(tmp_path)
    code = "import sys; from pathlib import Path; from minrlm_nb.isolation.folders import make_folder; "
    code += "print(make_folder(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    orphan = Path(done.stdout.strip())
    reused = tmp_path / mine.name.replace(f"-{os.getpid()}-", f"-{os.getpid()}-f")  # same pid, born at another time
    elsewhere = tmp_path / "minrlm-1-1-1-abc"  # owner in another pid namespace
    strange = tmp_path / "minrlm-notes"
    for folder in (reused, elsewhere, strange):
        folder.mkdir()
    link = tmp_path / orphan.name.replace("minrlm-", "minrlm-9")
    link.symlink_to(mine)
    assert {folder for folder in folders.sweep() if folder.parent == tmp_path} == {orphan, reused}
    assert {mine, elsewhere, strange, link} <= set(tmp_path.iterdir())
    assert not orphan.exists()
