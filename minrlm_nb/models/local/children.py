"""Downloads that run in child processes: a few at once, watched, and never left behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICK_S = 0.2
"""Seconds between two looks at the children."""

TAIL_CHARS = 2000
"""How much of a failed child's output is kept."""


@dataclass(frozen=True)
class Job:
    """One command; what it prints goes to ``log``."""

    number: int
    command: tuple[str, ...]
    env: Mapping[str, str]
    log: Path


class JobFailed(Exception):  # noqa: N818  (caught by name, never seen outside)
    """A command ended with an error; carries its exit code and the end of what it printed."""

    def __init__(self, job: Job, returncode: int, tail: str) -> None:
        super().__init__(f"{job.command[0]} ended with {returncode}")
        self.returncode = returncode
        self.tail = tail


def run_all(
    jobs: Iterable[Job],
    at_once: int,
    keep_open: int,
    on_tick: Callable[[], None],
    on_done: Callable[[Job], None],
) -> None:
    """Run the commands, at most ``at_once`` side by side, and return when all have ended well.

    Parameters
    ----------
    keep_open
        File descriptor that the children inherit: the lock, so that it stays held while a child outlives us.
    on_tick
        Called a few times a second; what it raises ends everything.
    on_done
        Called in this thread for each command that ended well.

    Raises
    ------
    JobFailed
        As soon as one command ends with an error; the others are killed first.
    """
    waiting = deque(jobs)
    running: list[tuple[Job, subprocess.Popen[bytes]]] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.popleft()
                running.append((job, _start(job, keep_open)))
            time.sleep(TICK_S)
            on_tick()
            for job, process in [pair for pair in running if pair[1].poll() is not None]:
                running.remove((job, process))
                if process.returncode != 0:
                    tail = job.log.read_text(encoding="utf-8", errors="replace")[-TAIL_CHARS:]
                    raise JobFailed(job, process.returncode, tail)
                on_done(job)
    finally:
        for _, process in running:
            process.kill()
            process.wait()


def bytes_under(folder: Path) -> int:
    """Bytes of all files under a folder that something else is writing to."""
    total = 0
    for inside, _, names in os.walk(folder):  # unlike rglob it takes a folder that is gone by now
        for name in names:
            try:
                total += os.stat(os.path.join(inside, name)).st_size
            except FileNotFoundError:  # moved or removed between listing and looking
                continue
    return total


def _start(job: Job, keep_open: int) -> subprocess.Popen[bytes]:
    with job.log.open("wb") as log:
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(job.env),
            pass_fds=(keep_open,),
        )
