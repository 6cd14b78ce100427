"""What the kernel keeps in the REPL's namespace: inputs, task, helpers and a few modules."""

from __future__ import annotations

import collections
import csv
import datetime
import io
import itertools
import json
import math
import mmap
import re
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from ..wire import TEXT_ENCODING, TEXT_ERRORS, SeedContent
from .guard import is_protected
from .reads import ReadLog

PREIMPORTED: dict[str, Any] = {
    "re": re,
    "csv": csv,
    "io": io,
    "json": json,
    "math": math,
    "datetime": datetime,
    "collections": collections,
    "itertools": itertools,
    "statistics": statistics,
    "Counter": collections.Counter,
    "defaultdict": collections.defaultdict,
}
"""What models use without importing it. Cells may replace these."""


class Workspace:
    """The kernel's own names in a namespace, and the means to put them back.

    Parameters
    ----------
    helpers
        Name to function.
    reads
        Cleared when the kernel is seeded.
    """

    def __init__(self, helpers: dict[str, Callable[..., Any]], reads: ReadLog) -> None:
        self._helpers = helpers
        self._reads = reads
        self._texts: dict[str, str] = {}
        self._base: dict[str, Any] = {}

    @property
    def texts(self) -> Iterable[str]:
        """The inputs and the task."""
        return self._texts.values()

    @property
    def seeded(self) -> bool:
        """Whether a driver has given a task."""
        return bool(self._texts)

    def seed(self, content: SeedContent, namespace: dict[str, Any]) -> None:
        """Replace task and inputs; other variables stay.

        Raises
        ------
        OSError
            If an input's file can't be read.
        ValueError
            If a name is not one of an input, or a file is not text as the driver writes it.
        """
        texts = {"task_0": content["task"]}
        for item in content["inputs"]:
            if not item["name"].startswith("input_") or not is_protected(item["name"]):
                raise ValueError(f"an input is named input_0, input_1, …, not {item['name']!r}")
            texts[item["name"]] = read_text(item["path"])
        for name in self._texts:
            namespace.pop(name, None)
        self._texts = texts
        self._reads.clear()
        namespace.update(texts)

    def fill(self, namespace: dict[str, Any]) -> None:
        """Put everything into a fresh namespace, which holds Python's and IPython's own names only."""
        namespace.update(PREIMPORTED)
        self._base = dict(namespace)
        namespace.update(self._helpers)
        namespace.update(self._texts)

    def restore(self, namespace: dict[str, Any]) -> list[str]:
        """Put inputs, task and helpers back; returns a remark on each that had been replaced."""
        for name, value in self._base.items():
            namespace.setdefault(name, value)  # these may be replaced; without them nothing runs
        notices = []
        for name, value in [*self._texts.items(), *self._helpers.items()]:
            if namespace.get(name) is not value:
                namespace[name] = value
                what = "a helper of the REPL" if name in self._helpers else "read-only"
                notices.append(f"{name} is {what} and was put back; use another name")
        return notices

    def is_own(self, name: str, value: Any) -> bool:
        """Whether the kernel itself put that value under that name."""
        own = self._helpers.get(name, self._texts.get(name, PREIMPORTED.get(name)))
        return own is not None and own is value


def read_text(path: str) -> str:
    """Read an input's file exactly as the driver wrote it, lone surrogates and all."""
    with open(path, "rb") as file:
        file.seek(0, io.SEEK_END)
        if not file.tell():
            return ""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return str(data, TEXT_ENCODING, TEXT_ERRORS)
