"""HTML that is escaped by construction: a plain `str` is text wherever it is put, only `Html` is markup."""

from __future__ import annotations

import html
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


def _escaped(content: str) -> str:
    return html.escape(plain(content), quote=True)
