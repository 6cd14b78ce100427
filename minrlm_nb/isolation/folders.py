"""Private folders of REPL kernels, named after the process that owns them, and the sweep of dead owners' folders."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import threading
from pathlib import Path

LONGEST_PARENT = 50
"""A folder's parent may have that many characters: a unix socket's path ends at 104 bytes on macOS, 108 on Linux."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (a RAM disk where there is one; our folders in it are private)

_NAME = re.compile(r"minrlm-(?P<pid>\d+)-(?P<born>[0-9a-f]+)-(?P<space>[0-9a-f]+)-[^/]+")
_swept_by: int | None = None
_sweeping = threading.Lock()


def make_folder(parent: Path | None = None) -> Path:
    """Make an empty folder that only this user can enter (mode 0700).

    Its name tells which process owns it, so that the next process to make one removes it if the owner dies first.

    Parameters
    ----------
    parent
        Where to make it; by default the temp dir, or ``/tmp`` when that has too long a path for sockets.
    """
    _sweep_once()
    if parent is None:
        parent = Path(tempfile.gettempdir())
        if len(os.fsencode(parent)) > LONGEST_PARENT:
            parent = Path("/tmp")  # noqa: S108  (mkdtemp makes the folder private)
    pid = os.getpid()
    return Path(tempfile.mkdtemp(prefix=f"minrlm-{pid}-{_born(pid) or 0:x}-{_pid_space():x}-", dir=parent))


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, whatever modes a cell gave its files.

    What still can't be removed (a process that outlived its kernel writes there) is left to the next sweep.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for where, _, _ in os.walk(folder):
            os.chmod(where, stat.S_IRWXU)
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> list[Path]:
    """Remove this user's folders whose owner is dead; returns them."""
    swept = []
    for parent in {Path(tempfile.gettempdir()), Path("/tmp"), SHARED_MEMORY}:  # noqa: S108
        if not parent.is_dir():
            continue
        for folder in parent.glob("minrlm-*"):
            if _is_orphan(folder):
                remove_folder(folder)
                swept.append(folder)
    return swept


def _sweep_once() -> None:
    global _swept_by
    with _sweeping:
        if _swept_by == os.getpid():
            return
        _swept_by = os.getpid()
    sweep()


def _is_orphan(folder: Path) -> bool:
    name = _NAME.fullmatch(folder.name)
    # An owner in another pid namespace (a container that shares this temp dir) can't be looked up from here.
    if name is None or int(name["space"], 16) != _pid_space():
        return False
    try:
        status = folder.lstat()
    except FileNotFoundError:  # removed by its owner or by another sweep
        return False
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        return False
    pid, born = int(name["pid"]), int(name["born"], 16)
    if Path("/proc/self/stat").exists():
        return _born(pid) != born
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _born(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if there is no such process (or no /proc)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def _pid_space() -> int:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except FileNotFoundError:
        return 0
