"""Why one source could not give a model's file; the next source is tried then."""

from __future__ import annotations


class Unavailable(Exception):  # noqa: N818  (an outcome that `fetch` collects, never seen outside)
    """The reason, in words for a person."""
