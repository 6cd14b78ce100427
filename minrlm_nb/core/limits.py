"""When a run must end, and when the model should hear that the end is near."""

from __future__ import annotations

from dataclasses import dataclass, field

from .config import RunConfig
from .records import StopReason, Usage

NEAR = 0.8
"""Share of a limit from which on the model is told."""


@dataclass(frozen=True)
class Spent:
    """What a run has used at one moment.

    Parameters
    ----------
    elapsed_s
        Seconds since the run began.
    usage
        All model calls together, sub-calls included.
    sub_calls, refused
        Sub-calls let through, and sub-calls refused because a limit was reached.
    """

    elapsed_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    sub_calls: int = 0
    refused: int = 0


def limit_hit(config: RunConfig, spent: Spent) -> StopReason | None:
    """The limit that is used up, or None. Steps are counted by the loop itself."""
    if spent.elapsed_s >= config.max_time_s:
        return "time"
    if (limit := calls_limit_hit(config, spent)) is not None:
        return limit
    return "sub_calls" if spent.refused else None


def calls_limit_hit(config: RunConfig, spent: Spent) -> StopReason | None:
    """The limit on what model calls may use that is used up, or None."""
    if config.max_tokens is not None and spent.usage.total_tokens >= config.max_tokens:
        return "tokens"
    if config.max_cost_usd is not None and (spent.usage.cost_usd or 0.0) >= config.max_cost_usd:
        return "cost"
    return None


def describe_limit(config: RunConfig, limit: StopReason) -> str:
    """A limit in words, with its size and the option that raises it."""
    return {
        "max_steps": f"{config.max_steps} steps are used up (--max-steps)",
        "time": f"{config.max_time_s:g} s are used up (--max-time)",
        "tokens": f"{config.max_tokens or 0:,} tokens are used up (--max-tokens)",
        "cost": f"${config.max_cost_usd or 0:g} are used up (--max-cost)",
        "sub_calls": f"{config.max_sub_calls:,} sub-calls are used up (--max-sub-calls)",
    }[limit]


def warnings_for_model(config: RunConfig, spent: Spent, steps_done: int) -> list[str]:
    """Sentences for the model about limits that are near; usually none."""
    told = []
    if (left := config.max_steps - steps_done) == 1:
        told.append("Next is the last step: it must call FINAL.")
    elif left == 2:
        told.append("2 steps left.")
    if spent.elapsed_s >= NEAR * config.max_time_s:
        told.append(f"About {max(0.0, config.max_time_s - spent.elapsed_s):.0f} s left.")
    if config.max_tokens is not None and spent.usage.total_tokens >= NEAR * config.max_tokens:
        told.append(f"{config.max_tokens - spent.usage.total_tokens:,} tokens left.")
    if config.max_cost_usd is not None and (spent.usage.cost_usd or 0.0) >= NEAR * config.max_cost_usd:
        told.append("The budget is nearly used up.")
    if config.max_sub_calls and spent.sub_calls >= NEAR * config.max_sub_calls:
        told.append(f"{config.max_sub_calls - spent.sub_calls} sub-calls left.")
    return told
