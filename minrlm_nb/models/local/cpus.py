"""How many threads a model server should use on this machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CORES = Path("/sys/devices/system/cpu")


def usable_cores() -> int:
    """Physical cores this process may use: its affinity, without hyper-threads, within its control group's quota.

    Two threads on one physical core slow matrix products down, and more threads than the quota allows wait for
    each other.
    """
    allowed = os.sched_getaffinity(0)
    physical = len({_siblings(cpu) for cpu in allowed})
    return max(1, int(min(physical, _quota())))


def _siblings(cpu: int) -> str:
    try:
        return (CORES / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:  # a kernel that does not say: every cpu counts
        return str(cpu)


def _quota() -> float:
    """CPUs worth of time the control group may use; infinite without a limit."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    unified = [line[3:] for line in lines if line.startswith("0::")]
    group = CGROUPS / unified[0].strip("/") if unified else CGROUPS
    quotas = [_cpu_max(folder / "cpu.max") for folder in (group, *group.parents) if folder.is_relative_to(CGROUPS)]
    return min([*quotas, _cfs(CGROUPS / "cpu")])


def _cpu_max(file: Path) -> float:
    """Version 2: ``quota period`` or ``max period``."""
    try:
        quota, period = file.read_text().split()
    except (OSError, ValueError):
        return math.inf
    return math.inf if quota == "max" else int(quota) / int(period)


def _cfs(folder: Path) -> float:
    """Version 1: two files, a quota of -1 for none."""
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return math.inf
    return quota / period if quota > 0 else math.inf
