"""What the kernel reports of a finished cell, checked and turned into records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.feedback import shorten
from ..core.records import Reads, Variable
from ..wire import METADATA_KEY
from .requests import READS, BadRequest, checked_reads
from .text import plain

_MOST_VARIABLES = 200
_MOST_NOTICES = 20
_MOST_CHARS = 2_000


@dataclass(frozen=True)
class Report:
    """The kernel's `minrlm_nb.wire.CellReport` as records; what makes no sense in it is left out."""

    variables: tuple[Variable, ...] = ()
    notices: tuple[str, ...] = ()
    reads: Reads | None = None
    error_line: int | None = None


def read_report(metadata: dict[str, Any]) -> Report:
    """The report that an ``execute_reply`` carries in its metadata."""
    raw = metadata.get(METADATA_KEY)
    if not isinstance(raw, dict):
        return Report()
    line = raw.get("error_line")
    return Report(
        variables=tuple(_variables(raw.get("variables"))),
        notices=tuple(_text(notice) for notice in _items(raw.get("notices"), _MOST_NOTICES) if isinstance(notice, str)),
        reads=_reads(raw.get("reads")),
        error_line=line if type(line) is int and 0 < line < 10**7 else None,
    )


def add_reads(first: Reads, second: Reads) -> Reads:
    """Both counts together."""
    return Reads(**{name: getattr(first, name) + getattr(second, name) for name in READS})


def _variables(raw: object) -> list[Variable]:
    found = []
    for item in _items(raw, _MOST_VARIABLES):
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            size = item.get("size")
            kind, preview = item.get("type"), item.get("preview")
            found.append(
                Variable(
                    name=_text(item["name"]),
                    type=_text(kind) if isinstance(kind, str) else "",
                    size=size if type(size) is int and size >= 0 else None,
                    preview=_text(preview) if isinstance(preview, str) else "",
                )
            )
    return found


def _reads(raw: object) -> Reads | None:
    try:
        return Reads(**checked_reads(raw))
    except BadRequest:
        return None


def _items(raw: object, most: int) -> list[Any]:
    return raw[:most] if isinstance(raw, list) else []


def _text(text: str) -> str:
    return plain(shorten(text, _MOST_CHARS))
