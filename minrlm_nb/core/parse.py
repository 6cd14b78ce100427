"""From a model's reply, as replies really come, to one cell."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from .source import parse_python

PYTHON_LABELS = frozenset(
    {"python", "python3", "py", "py3", "ipython", "repl", "jupyter", "pycon", "tool_code", "code"}
)

_FENCE = re.compile(r"^[ \t]*(?:>[ \t]?)?(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n`]*$", re.MULTILINE)
_TAGGED = re.compile(r"<(think|thinking|reasoning|thought)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_OPEN_TAG = re.compile(r"<(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_CLOSE_TAG = re.compile(r"</(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_CODE_LINE = re.compile(
    r"(?:import|from|def|class|for|while|if|with|try|async|assert|del)\b|@\w|[A-Za-z_][\w.\[\]\"', ]*(?:=[^=]|\()"
)
_MOST_LINES = 400


@dataclass(frozen=True)
class ParsedReply:
    """What a reply holds.

    Parameters
    ----------
    code
        The cell, or ``""``.
    reasoning
        Everything else: prose and what stood in reasoning tags.
    open_block
        True when the last fence was never closed.
    """

    code: str
    reasoning: str
    open_block: bool = False


def parse_reply(text: str) -> ParsedReply:
    """Find the cell in a reply.

    Fenced blocks with a Python-like label are joined; without any, unlabelled blocks that are Python; without any
    fence, lines that can only be meant as code. Text that merely mentions ``FINAL(...)`` is prose.
    """
    thoughts, text = _split_reasoning(text.replace("\r\n", "\n"))
    blocks, prose, open_block = _split_fences(text)
    code = _join([body for label, body in blocks if label in PYTHON_LABELS])
    if not code:
        code = _join([body for label, body in blocks if not label and (open_block or _is_program(body))])
    if not code and not blocks:
        code, prose = _unfenced(prose)
    reasoning = "\n\n".join(part for part in (thoughts.strip(), prose.strip()) if part)
    return ParsedReply(code, reasoning, open_block)


def join_continuation(first: str, rest: str) -> str:
    """Join a cut reply and its continuation, dropping a fence that the continuation opens again."""
    if _split_fences(first)[2]:
        rest = re.sub(r"\A\s*(?:`{3,}|~{3,})[\w+#.-]*[ \t]*\n", "", rest)
    return first + rest


def _split_reasoning(text: str) -> tuple[str, str]:
    thoughts = [match.group(2) for match in _TAGGED.finditer(text)]
    text = _TAGGED.sub("", text)
    if closing := _CLOSE_TAG.search(text):  # some servers send only the closing tag
        thoughts.append(text[: closing.start()])
        text = text[closing.end() :]
    if opening := _OPEN_TAG.search(text):  # cut inside its reasoning
        thoughts.append(text[opening.end() :])
        text = text[: opening.start()]
    return "\n\n".join(thoughts), text


def _split_fences(text: str) -> tuple[list[tuple[str, str]], str, bool]:
    blocks: list[tuple[str, str]] = []
    prose: list[str] = []
    position = 0
    while opening := _FENCE.search(text, position):
        prose.append(text[position : opening.start()])
        fence = opening.group(1)
        closing = re.compile(rf"^[ \t]*(?:>[ \t]?)?{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$", re.MULTILINE).search(
            text, opening.end()
        )
        body = text[opening.end() + 1 : closing.start() if closing else len(text)]
        blocks.append((opening.group(2).lower(), _clean(body)))
        if closing is None:
            return blocks, "".join(prose), True
        position = closing.end()
    prose.append(text[position:])
    return blocks, "".join(prose), False


def _clean(body: str) -> str:
    body = textwrap.dedent(body).strip("\n")
    lines = body.split("\n")
    if any(line.startswith(">>>") for line in lines):  # a console transcript: keep what was typed
        lines = [line[4:] for line in lines if line.startswith((">>> ", "... "))]
    return "\n".join(lines).rstrip()


def _join(blocks: list[str]) -> str:
    kept: list[str] = []
    for block in blocks:
        if block.strip() and block not in kept:
            kept.append(block)
    return "\n\n".join(kept)


def _unfenced(text: str) -> tuple[str, str]:
    """Code without a fence: the whole text, or a run of lines in prose that holds more than one bare FINAL."""
    if _is_program(text):
        return textwrap.dedent(text).strip("\n").rstrip(), ""
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        return "", text
    for start, line in enumerate(lines):
        if not _CODE_LINE.match(line):
            continue
        for end in range(len(lines), start, -1):
            body = "\n".join(lines[start:end])
            parsed = parse_python(body) if lines[end - 1].strip() else None
            if parsed is None or not _does_something(parsed):
                continue
            if len(parsed.body) < 2:
                break
            return body, "\n".join([*lines[:start], *lines[end:]])
    return "", text


def _is_program(text: str) -> bool:
    tree = parse_python(textwrap.dedent(text))
    return tree is not None and _does_something(tree)


def _does_something(tree: ast.Module) -> bool:
    """Whether Python does something, as opposed to words that happen to parse."""
    return any(
        not isinstance(node, ast.Expr) or any(isinstance(part, (ast.Call, ast.Await)) for part in ast.walk(node))
        for node in tree.body
    )
