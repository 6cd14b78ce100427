"""``peek``: what a value is and how it begins, whatever its size."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from .reads import ReadLog
from .search import Hits
from .sizes import is_known_foreign, name_of_type, preview, size_of

_HEAD_CHARS = 600
_TAIL_CHARS = 200
_ITEMS = 5
_ITEM_CHARS = 200
_NAMES = 20


class Description(str):
    """Text that echoes as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str.__str__(self)


def make_peek(reads: ReadLog) -> Callable[[Any], Description]:
    """Build the ``peek`` helper; its use is counted in ``reads``."""

    def peek(x: Any) -> Description:
        """Describe a value briefly: its type, its size, how it begins and ends. Any size is fine.

        Parameters
        ----------
        x
            The value.

        Returns
        -------
        str
            The description.
        """
        reads.peeks += 1
        return Description(_describe(x))

    return peek


def _describe(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, str):
        return _text(value)
    if kind in (bytes, bytearray):
        cut = " …" if len(value) > _HEAD_CHARS else ""
        return f"{_head(value)}\n{bytes(value[:_HEAD_CHARS])!r}{cut}"
    if kind is Hits:
        return repr(value)
    size = size_of(value)
    if is_known_foreign(value):
        return _table(value)
    if size >= 0 and issubclass(kind, dict):
        lines = [f"{_item(key)}: {_item(item)}" for key, item in islice(dict.items(value), _ITEMS)]
        return _listed(value, size, lines)
    if size >= 0:
        return _listed(value, size, [_item(item) for item in islice(iter(value), _ITEMS)])
    return _other(value)


def _text(value: str) -> str:
    size = len(value)
    lines = str.count(value, "\n") + (1 if size and not str.endswith(value, "\n") else 0)
    about = f"str of {size:,} characters, {lines:,} {'line' if lines == 1 else 'lines'}"
    if size <= _HEAD_CHARS + _TAIL_CHARS:
        return f"{about}\n{str.__str__(value)}" if size else about
    return (
        f"{about}\n{value[:_HEAD_CHARS]}\n… [{size - _HEAD_CHARS - _TAIL_CHARS:,} characters] …\n{value[-_TAIL_CHARS:]}"
    )


def _listed(value: Any, size: int, lines: list[str]) -> str:
    more = f"\n… and {size - _ITEMS:,} more" if size > _ITEMS else ""
    return "\n".join([_head(value), *lines]) + more


def _item(value: Any) -> str:
    if text := preview(value):
        return text
    kind = type(value)
    if kind is str:
        return f"{value[:_ITEM_CHARS]!r}{'…' if len(value) > _ITEM_CHARS else ''} ({len(value):,} characters)"
    if kind in (list, tuple) and len(value) <= _ITEMS:
        open_, close = ("[", "]") if kind is list else ("(", ")")
        return f"{open_}{', '.join(_nested(item) for item in value)}{close}"
    if kind is dict and len(value) <= _NAMES:
        return "{" + ", ".join(f"{_nested(key)}: {_nested(item)}" for key, item in value.items()) + "}"
    return f"<{_head(value)}>"


def _nested(value: Any) -> str:
    if text := preview(value):
        return text
    if type(value) is str:
        return f"{value[: _ITEM_CHARS // 2]!r}…"
    return f"<{_head(value)}>"


def _head(value: Any) -> str:
    size = size_of(value)
    name = name_of_type(value)
    if size < 0:
        return name
    if type(value) in (bytes, bytearray, memoryview):
        return f"{name} of {size:,} bytes"
    return f"{name} of {size:,} {'item' if size == 1 else 'items'}"


def _table(value: Any) -> str:
    shape = getattr(value, "shape", None)
    columns = getattr(value, "columns", None)
    about = f"{name_of_type(value)}, shape {shape}"
    if columns is None:
        return f"{about}, dtype {getattr(value, 'dtype', '?')}"
    names = [str(name)[:_ITEM_CHARS] for name in islice(columns, _NAMES)]
    return f"{about}, columns {', '.join(names)}{' …' if len(columns) > _NAMES else ''}"


def _other(value: Any) -> str:
    if text := preview(value):
        return f"{name_of_type(value)} {text}"
    if type(value) is int:
        return f"int of {value.bit_length():,} bits"
    try:
        names = [name for name in object.__getattribute__(value, "__dict__") if type(name) is str]
    except AttributeError:
        names = []
    listed = ", ".join(names[:_NAMES]) + (" …" if len(names) > _NAMES else "")
    return f"{name_of_type(value)} object{f' with {listed}' if names else ''}"
