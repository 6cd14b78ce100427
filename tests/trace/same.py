"""Equality to the last detail: types, order of keys, NaN, signs of zero."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def same(a: Any, b: Any, *, ordered: bool = True) -> bool:
    """Whether two values can't be told apart; mappings outside of answers compare without order."""
    if type(a) is not type(b) and not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return False
    if is_dataclass(a):
        return all(
            same(getattr(a, f.name), getattr(b, f.name), ordered=f.name not in ("config", "data")) for f in fields(a)
        )
    if isinstance(a, Mapping):
        keys_fit = list(a) == list(b) if ordered else set(a) == set(b)
        return keys_fit and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)
