"""Recursive Language Models in Jupyter.

``%load_ext minrlm_nb`` brings the ``%%rlm`` cell magic; ``RLM`` is the same thing from Python.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .api import RLM, heatmap
    from .result import RunResult, load_trace

__version__ = "0.1.0"
__all__ = ["RLM", "RunResult", "__version__", "heatmap", "load_trace"]

_HOMES = {"RLM": ".api", "RunResult": ".result", "load_trace": ".result", "heatmap": ".api"}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use, so that ``import minrlm_nb`` stays light."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%%rlm`` and ``%rlm`` with a shell (called by ``%load_ext minrlm_nb``)."""
    from .magic import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take back what `load_ipython_extension` registered (called by ``%unload_ext``)."""
    from .magic import unload

    unload(shell)
