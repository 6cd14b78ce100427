"""The settings of a run, checked once and frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import ConfigError, NotAvailableError

LAST_TURN_S = (5.0, 30.0)
"""Least and most seconds that the last turn gets after the time ran out (a quarter of ``max_time_s`` between)."""

LAST_CELL_S = 10.0
"""Seconds the cell of a last turn may take."""


@dataclass(frozen=True)
class RunConfig:
    """Limits and model settings of one run.

    Parameters
    ----------
    max_steps : int, 1 to 1000
        Model replies at the most. The model is told when it writes the last one.
    max_time_s : float, above 0
        Seconds for the whole run, model and cells together.
    cell_timeout_s : float, above 0
        Seconds a cell may take before it is interrupted; waiting for sub-calls is not counted.
    max_tokens : int or None
        Prompt and completion tokens of all calls together; None for no limit.
    max_cost_usd : float or None
        Dollars for all calls together; None for no limit.
    max_sub_calls : int, 0 or more
        Sub-calls of all cells together.
    sub_concurrency : int, 1 to 256
        Sub-calls that run side by side.
    depth : int, 1 to 4
        Levels of recursion: at 1 a sub-call is a plain model call, above that ``rlm`` starts a child run.
    isolation : str
        ``auto`` or ``none``.
    temperature, reasoning_effort, max_output_tokens
        Passed to the model; None leaves a parameter out.

    Raises
    ------
    ConfigError
        Names the field, the value and the range.
    """

    max_steps: int = 8
    max_time_s: float = 300.0
    cell_timeout_s: float = 30.0
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_sub_calls: int = 100
    sub_concurrency: int = 8
    depth: int = 1
    isolation: str = "auto"
    temperature: float | None = 0.0
    reasoning_effort: str | None = None
    max_output_tokens: int | None = None

    def __post_init__(self) -> None:
        _whole("max_steps", self.max_steps, 1, 1000)
        _positive("max_time_s", self.max_time_s)
        _positive("cell_timeout_s", self.cell_timeout_s)
        _whole("max_sub_calls", self.max_sub_calls, 0, 1_000_000)
        _whole("sub_concurrency", self.sub_concurrency, 1, 256)
        _whole("depth", self.depth, 1, 4)
        if self.max_tokens is not None:
            _whole("max_tokens", self.max_tokens, 1, 10**12)
        if self.max_cost_usd is not None:
            _positive("max_cost_usd", self.max_cost_usd)
        if self.max_output_tokens is not None:
            _whole("max_output_tokens", self.max_output_tokens, 1, 10**7)
        if self.temperature is not None and not (_is_number(self.temperature) and 0 <= self.temperature <= 2):
            raise ConfigError(f"temperature must be a number from 0 to 2 or None, not {self.temperature!r}")
        if self.reasoning_effort is not None and not isinstance(self.reasoning_effort, str):
            raise ConfigError(f"reasoning_effort must be a str or None, not {self.reasoning_effort!r}")
        if self.isolation in ("docker", "bwrap", "landlock"):
            raise NotAvailableError(
                f"isolation={self.isolation!r} is not in this version yet; 'auto' and 'none' run cells unboxed"
            )
        if self.isolation not in ("auto", "none"):
            raise ConfigError(f"isolation must be 'auto' or 'none', not {self.isolation!r}")

    @property
    def last_turn_s(self) -> float:
        """Seconds that the last turn gets once the time has run out."""
        least, most = LAST_TURN_S
        return min(most, max(least, self.max_time_s / 4))

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a trace."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> RunConfig:
        """Build from a mapping; an unknown name is a `ConfigError`."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise ConfigError(f"no setting is named {unknown[0]!r}; there are {', '.join(sorted(known))}")
        return cls(**settings)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{name} must be a whole number from {least:,} to {most:,}, not {value!r}")


def _positive(name: str, value: object) -> None:
    if not _is_number(value) or not value > 0:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a number above 0, not {value!r}")
