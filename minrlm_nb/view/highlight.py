"""Python in colours: tokens from pygments, markup of our own."""

from __future__ import annotations

from typing import Final

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from ..profile.plain import plain
from .markup import Html, element, joined, text

MAX_CHARS: Final = 20_000
"""Code longer than this is shown without colours."""

_CLASSES: Final[dict[_TokenType, str]] = {
    Keyword: "mrlm-k",
    Operator.Word: "mrlm-k",
    String: "mrlm-s",
    Number: "mrlm-n",
    Comment: "mrlm-c",
    Name.Function: "mrlm-d",
    Name.Class: "mrlm-d",
    Name.Decorator: "mrlm-d",
    Name.Builtin: "mrlm-b",
}


def highlighted(code: str) -> Html:
    """Code as markup, every piece escaped."""
    if len(code) > MAX_CHARS:
        return text(code)
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    pieces: list[str] = []
    for kind, piece in lexer.get_tokens(plain(code)):
        css = next((_CLASSES[known] for known in reversed(kind.split()) if known in _CLASSES), None)
        pieces.append(piece if css is None else element("span", piece, class_=css))
    return joined(*pieces)
