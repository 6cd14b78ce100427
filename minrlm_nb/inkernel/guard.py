"""Refusing a cell that binds a protected name, before any of it runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeAlias

from IPython.core.error import InputRejected

PROTECTED_NAMES = frozenset({"task_0", "FINAL", "FINAL_var"})
_INPUT_NAME = re.compile(r"input_\d+\Z")

_Binding: TypeAlias = tuple[str, int]
"""A name and the line that binds it."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class ProtectedNameError(InputRejected):
    """A cell would bind a protected name; ``line`` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def is_protected(name: str) -> bool:
    """Whether a cell may not bind that name."""
    return name in PROTECTED_NAMES or _INPUT_NAME.match(name) is not None


def check_names(tree: ast.AST) -> None:
    """Refuse a cell that would bind a protected name in the REPL's namespace.

    That is assignments of all kinds, ``del``, ``import … as``, ``for``, ``with … as``, ``except … as``, ``match``,
    ``def``, ``class`` and ``:=``, also inside functions that declare the name ``global``. Parameters and local
    variables of that name are fine. What happens behind the parser's back (``globals()[...]``, ``exec``) is not
    seen here; it is undone after the cell.

    Raises
    ------
    ProtectedNameError
        Names the first line that binds one.
    """
    found = sorted((line, name) for name, line in _bindings(tree, None) if is_protected(name))
    if found:
        line, name = found[0]
        if name in ("FINAL", "FINAL_var"):
            what = f"replace {name}, which gives the answer; use another name"
        else:
            what = f"change {name}, which is read-only; use another name, as in text = {name}"
        raise ProtectedNameError(f"line {line} would {what} (nothing of the cell ran)", line)


def _bindings(tree: ast.AST, declared: frozenset[str] | None) -> Iterator[_Binding]:
    """What binds names of the REPL's namespace.

    ``declared`` is None at the cell's own level; within a function or class it holds the names declared global,
    which are the only ones that count there.
    """
    for node in ast.iter_child_nodes(tree):
        line = getattr(node, "lineno", 1)
        yield from ((name, line) for name in _bound_by(node) if declared is None or name in declared)
        if isinstance(node, _FUNCTIONS):
            body = _holding(*node.body) if isinstance(node.body, list) else _holding(node.body)
            inner = {id(part) for part in ast.iter_child_nodes(body)}
            # Decorators, defaults and bases belong to the scope around it.
            around = [part for part in ast.iter_child_nodes(node) if id(part) not in inner]
            yield from _bindings(_holding(*around), declared)
            yield from _bindings(body, frozenset(_declared_global(body)))
        elif isinstance(node, _COMPREHENSIONS):
            # Its targets are its own; only := binds outside.
            for part in ast.walk(node):
                if isinstance(part, ast.NamedExpr) and (declared is None or part.target.id in declared):
                    yield part.target.id, part.lineno
        else:
            yield from _bindings(node, declared)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _declared_global(body: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(body):
        if isinstance(node, ast.Global):
            yield from node.names
        elif not isinstance(node, _FUNCTIONS):
            yield from _declared_global(node)


def _holding(*parts: ast.AST) -> ast.AST:
    """A node with just these children, whatever they are."""
    return ast.Set(elts=list(parts))  # type: ignore[arg-type]
