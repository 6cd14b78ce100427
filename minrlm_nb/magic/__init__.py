"""The notebook's face: the ``%%rlm`` and ``%rlm`` magics, what their words name, and their completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..isolation import achieve
from ..repl.pool import shared_pool
from . import completion
from .magics import RLM

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Register the magics with a shell, once, and have a first kernel warmed."""
    if RLM.__name__ in shell.magics_manager.registry:
        return
    magics = RLM(shell)
    shell.register_magics(magics)
    configurables: list[Any] = shell.configurables
    if magics not in configurables:
        configurables.append(magics)
    completion.install(shell)
    shared_pool().warm(achieve("auto"))


def unload(shell: InteractiveShell) -> None:
    """Take the magics back and end what they keep."""
    magics = shell.magics_manager.registry.pop(RLM.__name__, None)
    if magics is None:
        return
    magics.reset()
    completion.remove(shell)
    configurables: list[Any] = shell.configurables
    configurables.remove(magics)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("rlm", None)
