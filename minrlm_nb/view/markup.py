"""HTML that is escaped by construction: a plain `str` is text wherever it is put, only `Html` is markup."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

from ..profile.plain import plain

_VOID: Final = frozenset({"img", "br"})


class Html(str):
    """Markup of our own; nothing from a model, a kernel or an input becomes one without `element` or `text`."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | None) -> Html:
    """One element with its children, text escaped.

    Parameters
    ----------
    name
        Tag name.
    *children
        `Html` as it is, any other text escaped and freed of control characters.
    **attributes
        Values are escaped; a trailing underscore is dropped (``class_``), others become hyphens; None leaves the
        attribute out.
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{words}>")
    return Html(f"<{name}{words}>{''.join(map(text, children))}</{name}>")


def text(content: str) -> Html:
    """Text as markup; `Html` passes unchanged."""
    return content if isinstance(content, Html) else Html(_escaped(content))


def joined(*parts: str) -> Html:
    """Several pieces, one after the other."""
    return Html("".join(map(text, parts)))


def cut(content: str, limit: int, remedy: str) -> tuple[str, Html]:
    """The first ``limit`` characters, and a line that says so when there are more, and where the rest is."""
    if len(content) <= limit:
        return content, Html("")
    return content[:limit], element("div", f"{limit:,} of {len(content):,} characters; {remedy}", class_="mrlm-note")


@dataclass
class Room:
    """How much a page may still take; shared by all its parts, so that many long things stay bounded together."""

    chars: int
    image_chars: int

    def cut(self, content: str, limit: int, remedy: str) -> tuple[str, Html]:
        """`cut` to what is left, at most ``limit``, and take it."""
        shown, note = cut(content, min(limit, self.chars), remedy)
        self.chars -= len(shown)
        return shown, note

    def holds_image(self, size: int) -> bool:
        """Whether an image of that many characters has room; if so, it is taken."""
        fits = size <= self.image_chars
        self.image_chars -= size if fits else 0
        return fits


def _escaped(content: str) -> str:
    return html.escape(plain(content), quote=True)
