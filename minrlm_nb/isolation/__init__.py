"""How well the REPL kernel is boxed: the policy that picks a level, and one KernelProvisioner a level.

`achieve` turns what the person asked for into a `Level`; nothing here knows of runs or models.
"""

from __future__ import annotations

from .policy import Level, achieve

__all__ = ["Level", "achieve"]
