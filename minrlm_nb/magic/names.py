"""What the words of a ``%%rlm`` cell name: its inputs, its ``{name}`` fields, its output variable."""

from __future__ import annotations

import difflib
import glob
import keyword
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError, InputError

MOST_FILES = 100
"""Files that a glob may match."""

MOST_FIELD_CHARS = 4_000
"""Characters that ``{name}`` may put into a task; more is an input."""

_FIELD = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)\}(?!\})")


def fill_in(task: str, names: Mapping[str, object]) -> str:
    """Put variables into the task: ``{name}`` becomes the value's text if there is such a variable.

    Anything else in braces stays as it is, so that a task may hold JSON or code; ``{{name}}`` is left alone too.

    Raises
    ------
    ConfigError
        If a value is longer than `MOST_FIELD_CHARS`.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names:
            return match.group(0)
        text = str(names[name])
        if len(text) > MOST_FIELD_CHARS:
            raise ConfigError(
                f"{{{name}}} would put {len(text):,} characters into the task, over the limit of "
                f"{MOST_FIELD_CHARS:,}; give it as an INPUT: %%rlm {name}"
            )
        return text

    return _FIELD.sub(value, task)


def find_inputs(words: Sequence[str], names: Mapping[str, object]) -> tuple[object, list[str] | None]:
    """The data that INPUT words name, and what to call each piece.

    A word is a variable if there is one of that name, else a path, else a glob.

    Raises
    ------
    InputError
        If it is none of them; close names are suggested.
    """
    found: list[object] = []
    labels: list[str] = []
    for word in words:
        if word.isidentifier() and word in names:
            found.append(names[word])
            labels.append(word)
            continue
        for path in _files(word, names):
            found.append(path)
            labels.append(str(path))
    if not found:
        return "", None
    return (found[0], labels) if len(found) == 1 else (found, labels)


def check_name(name: str) -> str:
    """A name that a variable can have.

    Raises
    ------
    ConfigError
        If it can't.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"-o needs the name of a variable, not {name!r}; letters, digits and _ will do")
    return name


def _files(word: str, names: Mapping[str, object]) -> list[Path]:
    path = Path(word).expanduser()
    if path.exists():
        return [path]
    matches = sorted(glob.glob(os.path.expanduser(word), recursive=True)) if glob.has_magic(word) else []
    files = [Path(match) for match in matches if Path(match).is_file()]
    if len(files) > MOST_FILES:
        raise InputError(f"{word!r} matches {len(files):,} files, over the limit of {MOST_FILES}; narrow the pattern")
    if not files:
        near = difflib.get_close_matches(word, [*_public(names), *os.listdir()], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; check the name, or give a path in quotes"
        raise InputError(f"no variable or file is named {word!r}{hint}")
    return files


def _public(names: Mapping[str, object]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
