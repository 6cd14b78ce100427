"""An answer as JSON: exact where JSON can hold the value, its text with a note where it can't."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ..wire import EncodedAnswer
from .search import Hits

LONGEST_INT_DIGITS = 4_300
"""Digits of an int that Python still reads back from text by default."""


class NotAnAnswerError(TypeError):
    """A value that can't be an answer as it is; says what to give instead."""


def encode_answer(value: Any) -> EncodedAnswer:
    """Turn the value given to ``FINAL`` into what travels to the driver.

    Parameters
    ----------
    value
        Anything. None, bools, numbers, text, lists, tuples, sets, and dicts with str keys keep their value (tuples
        and sets become lists, sets sorted where they can be); NumPy scalars and arrays become Python's; other
        objects become their text, and ``note`` says so.

    Raises
    ------
    NotAnAnswerError
        For a generator, a function, a module or a class; for an int too long to read back; for an object whose
        text can't be had.
    """
    try:
        return EncodedAnswer(value=_to_json(value), note="")
    except _NoJsonError as reason:
        return EncodedAnswer(value=_text(value), note=f"{reason}; its text was taken")
    except RecursionError:
        return EncodedAnswer(value=_text(value), note="the value is nested too deeply for JSON; its text was taken")


class _NoJsonError(Exception):
    """JSON can't hold a part of the value; the message names it."""


def _to_json(value: Any, within: tuple[int, ...] = ()) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)  # a plain str, also from a subclass
    if isinstance(value, int):
        return _whole(int.__index__(value))
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset | deque | range | Hits) or _is_view(value):
        if id(value) in within:
            raise _NoJsonError("the value contains itself")
        return _container(value, (*within, id(value)))
    if (plain := _from_numpy(value)) is not None:
        return _to_json(plain[0], within)
    if isinstance(value, Iterator):
        raise NotAnAnswerError(f"FINAL got a {_name(value)}, which has no value yet; give list(...) of it")
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        raise NotAnAnswerError(f"FINAL got the {_name(value)} {value.__name__!r}; give the value it stands for")
    raise _NoJsonError(f"JSON can't hold a {_name(value)}")


def _container(value: Any, within: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise _NoJsonError(f"JSON can't hold a {_name(value)} whose keys are {_name(key)}")
        return {str.__str__(key): _to_json(item, within) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return [_to_json(item, within) for item in _in_order(value)]
    return [_to_json(item, within) for item in value]


def _in_order(items: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(items)
    except TypeError:
        return list(items)


def _whole(number: int) -> int:
    if abs(number) >= 10**LONGEST_INT_DIGITS:
        digits = int(number.bit_length() * 0.30103) + 1
        raise NotAnAnswerError(
            f"FINAL got an int of about {digits:,} digits; the limit is {LONGEST_INT_DIGITS:,}; give hex(value) instead"
        )
    return number


def _from_numpy(value: Any) -> tuple[Any] | None:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        return (value.tolist(),)
    if isinstance(value, numpy.generic):
        plain = value.item()
        return None if isinstance(plain, numpy.generic) else (plain,)
    return None


def _is_view(value: Any) -> bool:
    return isinstance(value, type({}.keys()) | type({}.values()) | type({}.items()))


def _text(value: Any) -> str:
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return cast(str, value.to_csv())  # str() of it leaves rows out
    try:
        return str.__str__(str(value))
    except Exception as error:
        raise NotAnAnswerError(f"the text of a {_name(value)} can't be had: {type(error).__name__}") from error


def _name(value: Any) -> str:
    return type(value).__name__
