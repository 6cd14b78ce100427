"""Tab completion on a ``%%rlm`` line: options, variables that can be inputs, files."""

from __future__ import annotations

import glob
import re
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from .magics import RLM

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_OURS = re.compile(r"\s*%%?rlm\s")
_MARK = "_minrlm_matcher"


def install(shell: InteractiveShell) -> None:
    """Add our matcher to the shell's completer."""
    flags = sorted(flag for action in RLM.rlm.parser._actions for flag in action.option_strings)

    @context_matcher()
    def match(context: CompletionContext) -> SimpleMatcherResult:
        line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
        if context.cursor_line or not _OURS.match(line):
            return _completions([], "")
        word = re.split(r"\s", line)[-1]
        found = [flag for flag in flags if flag.startswith(word)] if word.startswith("-") else _inputs(shell, word)
        return _completions(found, word)

    setattr(match, _MARK, True)
    shell.Completer.custom_matchers.append(match)


def remove(shell: InteractiveShell) -> None:
    """Take our matcher out again."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if not hasattr(matcher, _MARK)]


def _completions(found: list[str], word: str) -> SimpleMatcherResult:
    return {
        "completions": [SimpleCompletion(text=text, type="param") for text in found],
        "matched_fragment": word,
        "suppress": bool(found),
        "do_not_suppress": set(),
        "ordered": False,
    }


def _inputs(shell: InteractiveShell, word: str) -> list[str]:
    names = [name for name, value in shell.user_ns.items() if name.startswith(word) and _is_input(name, value)]
    files = [path for path in glob.glob(glob.escape(word) + "*") if " " not in path]
    return sorted(names) + sorted(files)


def _is_input(name: str, value: Any) -> bool:
    if name.startswith("_"):
        return False
    return isinstance(value, (str, bytes, list, dict)) or type(value).__name__ in ("DataFrame", "Series", "PosixPath")
