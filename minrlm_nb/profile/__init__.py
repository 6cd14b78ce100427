"""What the model is told of an input before it looks: size, kind, excerpts, entropy map (pure, no I/O).

Most of it works on samples, so that 100 MB cost about as much as 100 kB.
"""

from .describe import ALL_INPUTS_CHARS, ONE_INPUT_CHARS, InputProfile, count_lines, describe, describe_all, profile
from .entropy import EntropyMap, Section, entropy_map
from .preview import Excerpt

__all__ = [
    "ALL_INPUTS_CHARS",
    "ONE_INPUT_CHARS",
    "EntropyMap",
    "Excerpt",
    "InputProfile",
    "Section",
    "count_lines",
    "describe",
    "describe_all",
    "entropy_map",
    "profile",
]
