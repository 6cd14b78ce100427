"""Looks at HTML as a browser's parser would, so that tests can say what may be on a page."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"img", "br"}


class Page(HTMLParser):
    """Elements, attributes and text of a piece of HTML; notes end tags that close nothing."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.oddities: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.oddities += [f"<{name}> is never closed" for name in self._open]

    @property
    def names(self) -> set[str]:
        """Names of all elements."""
        return {name for name, _ in self.elements}

    @property
    def attributes(self) -> set[str]:
        """Names of all attributes."""
        return {key for _, attributes in self.elements for key in attributes}

    @property
    def text(self) -> str:
        """All text, as it would be read."""
        return "".join(self.texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.oddities.append(f"</{tag}> closes {self._open[-1:] or 'nothing'}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.oddities.append(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        self.oddities.append(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        self.oddities.append(f"an instruction: {data}")
