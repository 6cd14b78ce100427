"""Keeping modules out that others import if they can, because importing them takes longer than all the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNWANTED = ("debugpy", "jedi")
"""ipykernel's debugger and IPython's completer; nobody debugs or completes in the REPL kernel."""


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Have ``import`` say that there are no such modules; those imported already stay."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python notes that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
