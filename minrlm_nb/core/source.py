"""Python source as the model writes it, parsed without side effects."""

from __future__ import annotations

import ast
import warnings


def parse_python(source: str) -> ast.Module | None:
    """The syntax tree, or None when the text is not Python. Odd escapes and the like don't warn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
