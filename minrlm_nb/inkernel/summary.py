"""Which variables a cell made or changed, told without running any code of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeAlias

from ..wire import Variable
from .sizes import name_of_type, preview, size_of

MOST_VARIABLES = 30
"""Variables told of one cell."""

Snapshot: TypeAlias = dict[str, tuple[int, int, str]]
"""Variable name to identity, size and preview."""

_SHELL_NAMES = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})


def take_snapshot(namespace: Mapping[str, Any], is_ours: Callable[[str, Any], bool]) -> Snapshot:
    """Note what user variables there are.

    Parameters
    ----------
    namespace
        The REPL's namespace.
    is_ours
        Tells by name and value what the kernel put there itself.

    Returns
    -------
    dict
        Identities rather than references: a value replaced during the cell must be free to go.
    """
    return {
        name: (id(value), size_of(value), preview(value))
        for name, value in list(namespace.items())
        if _is_told(name, value) and not is_ours(name, value)
    }


def changed_variables(namespace: Mapping[str, Any], before: Snapshot, after: Snapshot) -> list[Variable]:
    """Describe what is new or different in ``after``, at most `MOST_VARIABLES` of them."""
    changed = [name for name, state in after.items() if before.get(name) != state]
    return [_variable(name, namespace[name], after[name]) for name in changed[-MOST_VARIABLES:]]


def _variable(name: str, value: Any, state: tuple[int, int, str]) -> Variable:
    kind = "class" if issubclass(type(value), type) else name_of_type(value)
    return Variable(name=name, type=kind, size=state[1], preview=state[2])


def _is_told(name: str, value: Any) -> bool:
    if type(name) is not str or name.startswith("_") or name in _SHELL_NAMES:
        return False
    kind = type(value)
    if kind in (ModuleType, BuiltinFunctionType):
        return False
    if kind is FunctionType:
        return bool(value.__module__ == "__main__")  # else it was imported
    if issubclass(kind, type):
        return bool(type.__dict__["__dict__"].__get__(value).get("__module__") == "__main__")
    return True
