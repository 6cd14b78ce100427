"""How large a value is and what it looks like, asked only of types whose code is known to be harmless.

Everything here goes by ``type(value)``: ``isinstance`` asks an object for its ``__class__``, and that may be code.
"""

from __future__ import annotations

import sys
from array import array
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from typing import Any

from .search import Hits

_SIZED = frozenset(
    {str, bytes, bytearray, list, tuple, dict, set, frozenset, range, array, deque, defaultdict, Counter, OrderedDict}
    | {type({}.keys()), type({}.values()), type({}.items()), memoryview}
)
_FOREIGN_SIZED = {
    "numpy": ("ndarray",),
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("Table",),
}
_PLAIN = frozenset({int, float, bool, complex, type(None)})
PREVIEW_CHARS = 80
_PREVIEW_ITEMS = 8
_PREVIEW_INT_BITS = 256

_type_name = type.__dict__["__name__"].__get__


def name_of_type(value: Any) -> str:
    """The name of a value's class, past any metaclass."""
    name: str = _type_name(type(value))
    return name


def size_of(value: Any) -> int:
    """The length of a value, or -1 where it has none or only foreign code could tell."""
    kind = type(value)
    if kind in _SIZED:
        return len(value)
    if kind is Hits:
        return Hits.known_length(value)
    if kind is ChainMap or not is_known_foreign(value):
        return -1
    try:
        return len(value)
    except TypeError:  # an array without dimensions
        return -1


def is_known_foreign(value: Any) -> bool:
    """Whether the value is exactly one of the array and table types of the well-known libraries."""
    kind = type(value)
    for library, names in _FOREIGN_SIZED.items():
        module = sys.modules.get(library)
        if module is not None and any(kind is vars(module).get(name) for name in names):
            return True
    return False


def preview(value: Any) -> str:
    """A small plain value as Python writes it; "" for everything else."""
    text = _small(value)
    if not text and type(value) in (list, tuple) and len(value) <= _PREVIEW_ITEMS:
        parts = [_small(item) for item in value]
        if all(parts):
            text = repr(value)
    return text if len(text) <= PREVIEW_CHARS + 2 else ""


def _small(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return repr(value) if len(value) <= PREVIEW_CHARS else ""
    if kind is int:
        return repr(value) if value.bit_length() <= _PREVIEW_INT_BITS else ""
    return repr(value) if kind in _PLAIN else ""
