"""Which isolation level a run gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import ConfigError, NotAvailableError

LevelName = Literal["docker", "bwrap", "landlock", "none"]


@dataclass(frozen=True)
class Level:
    """A level that can be had on this machine, now.

    Parameters
    ----------
    name
        The level's name, as view and trace show it.
    provisioner
        Entry point in the group ``jupyter_client.kernel_provisioners`` that starts kernels so.
    banner
        What the person is told at every run; empty when there is nothing to warn of.
    """

    name: LevelName
    provisioner: str
    banner: str = ""


_UNBOXED = "Cells run unboxed (isolation none): model-written code has all your rights on this machine."


def achieve(level: str) -> Level:
    """Give the level asked for, or say why it can't be had; never silently less.

    Parameters
    ----------
    level
        ``"auto"`` for the best this version can do, or the name of a level.

    Raises
    ------
    NotAvailableError
        For a level that this version does not have.
    ConfigError
        For a word that is no level.
    """
    if level == "none":
        return Level("none", "minrlm-none", _UNBOXED)
    if level == "auto":
        return Level("none", "minrlm-none", f"{_UNBOXED} This version has no box for 'auto' to choose.")
    if level in ("docker", "bwrap", "landlock"):
        raise NotAvailableError(
            f"isolation {level!r} is not in this version yet; use 'none' if cells may run unboxed with your rights",
            level=level,
        )
    raise ConfigError(f"isolation must be 'auto' or 'none', not {level!r}", level=level)
