"""Performs what the loop of a run asks for: asks the model, runs cells, answers sub-calls, tells the listeners.

Knows models and kernels only as ports.
"""

from __future__ import annotations

from .engine import Engine, Job, explain
from .running import Running

__all__ = ["Engine", "Job", "Running", "explain"]
