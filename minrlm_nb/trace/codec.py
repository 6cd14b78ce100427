"""Records to JSON that any tool may read and save again, and back, checked against the records' own types.

Three things would not survive a notebook as they are: a lone surrogate (no UTF-8 file holds one), NaN and infinity
(not JSON), and in a value of any type the order of keys, integers beyond 2**53 and the point of ``3.0`` (a browser
that saves the notebook loses them). Each is kept as ``{"json": "<JSON in ASCII>"}`` instead.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import TraceError

T = TypeVar("T")

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SAFE_INT = 2**53 - 1


def encode(value: Any) -> Any:
    """Turn a record into plain JSON values.

    Parameters
    ----------
    value
        A record (frozen dataclass), or what one may hold: text, numbers, None, sequences, mappings.

    Raises
    ------
    TraceError
        If a value can't be written as JSON (nested too deep, an integer of more than 4,300 digits).
    """
    if isinstance(value, str):
        return _text(value)
    if is_dataclass(value) and not isinstance(value, type):
        anything = _free_fields(type(value))
        return {
            name: free(getattr(value, name)) if name in anything else encode(getattr(value, name))
            for name in _names(type(value))
        }
    if isinstance(value, Mapping):
        exact = all(map(_is_clean, value)) and set(value) != {"json"}
        return {key: free(item) for key, item in value.items()} if exact else _as_json(dict(value))
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    return _number(value)


def free(value: Any) -> Any:
    """Encode a value of which only JSON's own types are known: exact, whatever saves the notebook later."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and not _SURROGATE.search(value)):
        return value
    if isinstance(value, int) and abs(value) <= _SAFE_INT:
        return value
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        return value
    return _as_json(value)


def decode(kind: type[T], data: Any, where: str) -> T:
    """Build a record of type ``kind`` from what `encode` made of one, checking every value.

    Unknown names are passed over, so that a later version may add some; a missing one takes its default.

    Raises
    ------
    TraceError
        Names the place (``where``, then the path inside), what is there, and what should be.
    """
    result: T = _decode(kind, data, where)
    return result


def free_value(data: Any, where: str) -> Any:
    """Read back what `free` made."""
    if isinstance(data, Mapping):
        if set(data) != {"json"} or not isinstance(data["json"], str):
            raise TraceError(f"{where} holds an object where a plain value or {{'json': text}} should be")
        try:
            return json.loads(data["json"])
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{where} holds text that is not JSON: {error}") from error
    if isinstance(data, list):
        raise TraceError(f"{where} holds a list where a plain value or {{'json': text}} should be")
    return data


def _text(value: str) -> Any:
    return value if not _SURROGATE.search(value) else _as_json(value)


def _is_clean(key: Any) -> bool:
    return isinstance(key, str) and not _SURROGATE.search(key)


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return _as_json(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INT:
        return _as_json(value)
    return value


def _as_json(value: Any) -> dict[str, str]:
    try:
        return {"json": json.dumps(value, ensure_ascii=True, separators=(",", ":"))}
    except (TypeError, ValueError, RecursionError) as error:
        raise TraceError(
            f"a {type(value).__name__} can't be kept in the trace: {error}; the run itself has it"
        ) from error


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _free_fields(kind: type) -> frozenset[str]:
    return frozenset(name for name in _names(kind) if _hints(kind)[name] is Any)


# -- back ------------------------------------------------------------------------------------------------------


def _decode(kind: Any, data: Any, where: str) -> Any:
    if kind is Any:
        return free_value(data, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        return _decode(next(argument for argument in arguments if argument is not type(None)), data, where)
    if origin is Literal:
        if data not in arguments:
            raise wrong(where, data, " or ".join(map(repr, arguments)))
        return data
    if origin is tuple:
        if not isinstance(data, list):
            raise wrong(where, data, "a list")
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _decode_mapping(arguments[1], data, where)
    if is_dataclass(kind):
        return _decode_record(kind, data, where)
    return _decode_plain(kind, data, where)


def _decode_mapping(item_kind: Any, data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise wrong(where, data, "an object")
    if set(data) != {"json"}:
        return {key: _decode(item_kind, item, f"{where}.{key}") for key, item in data.items()}
    items = free_value(data, where)
    if not isinstance(items, dict):
        raise wrong(where, items, "an object")
    return items


def _decode_record(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise wrong(where, data, "an object")
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in data:
            values[field.name] = _decode(_hints(kind)[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise TraceError(f"{where} has no {field.name!r}; the file is damaged or was not written by minrlm_nb")
    return kind(**values)


def _decode_plain(kind: Any, data: Any, where: str) -> Any:
    if isinstance(data, Mapping):
        data = free_value(data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (kind in (int, float) and isinstance(data, bool)):
        raise wrong(where, data, f"{kind.__name__}")
    return data


def wrong(where: str, data: Any, wanted: str) -> TraceError:
    """Build the error for a value that is not what it should be: the place, the value cut short, what is wanted."""
    shown = repr(data)
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    return TraceError(
        f"{where} is {shown}; it should be {wanted}", where=where, wanted=wanted, found=type(data).__name__
    )
