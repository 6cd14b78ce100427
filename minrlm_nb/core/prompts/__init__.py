"""The texts a model is given, by prompt profile; versioned, static text first."""

from __future__ import annotations

from ..ports import PromptProfile
from .style import Brief, PromptStyle, SmallView

__all__ = ["Brief", "PromptStyle", "SmallView", "style_for"]


def style_for(profile: PromptProfile) -> PromptStyle:
    """The wording for a prompt profile."""
    if profile == "small":
        from .small import SmallStyle

        return SmallStyle()
    from .frontier import FrontierStyle

    return FrontierStyle()
