"""Stand-ins for a model, for our tests and yours: nothing here needs a key or a network.

`ScriptedModel` answers inside the process, `ScriptedServer` is an OpenAI-compatible endpoint on loopback with faults.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fault import Fault
    from .model import ScriptedModel
    from .script import Script, is_sub_call
    from .server import Received, ScriptedServer, server_process

__all__ = ["Fault", "Received", "Script", "ScriptedModel", "ScriptedServer", "is_sub_call", "server_process"]

_HOMES = {
    "Fault": ".fault",
    "Received": ".server",
    "Script": ".script",
    "ScriptedModel": ".model",
    "ScriptedServer": ".server",
    "is_sub_call": ".script",
    "server_process": ".server",
}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use: ``python -m minrlm_nb.testing.server`` must find its module unloaded."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
