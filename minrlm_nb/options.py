"""The options of a run, once, for the magic and the command line: flag, type, setting and help in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .core.config import RunConfig

DEFAULTS = RunConfig()


@dataclass(frozen=True)
class Option:
    """One option that sets the keyword ``setting`` of `RLM`."""

    flags: tuple[str, ...]
    setting: str
    type: type
    metavar: str
    help: str

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of ``add_argument``; absent options are None."""
        return {"dest": self.setting, "type": self.type, "metavar": self.metavar, "default": None, "help": self.help}


def _default(setting: str) -> str:
    value = getattr(DEFAULTS, setting)
    return f"{value:g}" if isinstance(value, float) else str(value)


OPTIONS: tuple[Option, ...] = (
    Option(("-m", "--model"), "model", str, "MODEL", "model name, or 'local' for the embedded one"),
    Option(("--base-url",), "base_url", str, "URL", "OpenAI-compatible endpoint"),
    Option(("--max-steps",), "max_steps", int, "N", f"most model replies ({_default('max_steps')})"),
    Option(("--max-time",), "max_time_s", float, "S", f"seconds for the whole run ({_default('max_time_s')})"),
    Option(
        ("--cell-timeout",),
        "cell_timeout_s",
        float,
        "S",
        f"seconds for one cell, waiting for sub-calls not counted ({_default('cell_timeout_s')})",
    ),
    Option(("--max-tokens",), "max_tokens", int, "N", "tokens of all calls together (no limit)"),
    Option(("--max-cost",), "max_cost_usd", float, "USD", "dollars of all calls together (no limit)"),
    Option(("--max-sub-calls",), "max_sub_calls", int, "N", f"most sub-calls ({_default('max_sub_calls')})"),
    Option(("--sub-concurrency",), "sub_concurrency", int, "N", f"sub-calls at once ({_default('sub_concurrency')})"),
    Option(("--depth",), "depth", int, "N", f"levels of recursion ({_default('depth')}: plain sub-calls)"),
    Option(("--isolation",), "isolation", str, "LEVEL", "auto or none; both run cells unboxed in this version"),
    Option(("--temperature",), "temperature", float, "T", f"sampling temperature ({_default('temperature')})"),
    Option(("--reasoning-effort",), "reasoning_effort", str, "LEVEL", "for models that take it"),
    Option(("--max-output-tokens",), "max_output_tokens", int, "N", "longest reply (the endpoint's default)"),
)


def chosen(args: Any) -> dict[str, Any]:
    """The settings that were typed, from a parsed namespace."""
    return {o.setting: value for o in OPTIONS if (value := getattr(args, o.setting)) is not None}
