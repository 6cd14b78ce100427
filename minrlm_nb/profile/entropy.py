"""Where a text is dense and where it repeats itself, from samples of equal spans."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from statistics import median

SECTIONS = 20
SAMPLE_CHARS = 48_000
"""Characters looked at per section at the most, in three windows; what keeps the cost the same from 1 MB to 1 GB."""

_SPIKE_LEAST = 0.08
_SPIKE_SPREADS = 5.0
_SPIKES_MOST = 5


@dataclass(frozen=True)
class Section:
    """One span of a text, ``[start, end)`` in characters; ``value`` from 0 (repeats itself) to 1 (dense)."""

    start: int
    end: int
    value: float


@dataclass(frozen=True)
class EntropyMap:
    """The density of a text, section by section.

    Parameters
    ----------
    size
        Characters of the whole text.
    sections
        Equal spans that cover it, in order; none for an empty text.
    spikes
        Indices of sections that stand out from the median, the most conspicuous first, five at the most.
    """

    size: int
    sections: tuple[Section, ...]
    spikes: tuple[int, ...]

    @property
    def digits(self) -> str:
        """One digit a section, from 0 (repeats itself) to 9 (dense)."""
        return "".join(str(min(9, int(section.value * 10))) for section in self.sections)


def entropy_map(text: str, sections: int = SECTIONS) -> EntropyMap:
    """Measure how densely a text is written, along its length.

    The figure is how well ``zlib`` (level 1) packs a sample of each section: three windows, 48,000 characters a
    section at the most, so that a text of 70 MB takes about 10 ms. What lies between the windows is not seen: a
    single odd line in a section of 3 MB is likely to be missed.

    Parameters
    ----------
    text : str
        Any text, from none to 1 GB; lone surrogates are fine.
    sections : int, default 20
        How many spans; fewer when the text has fewer characters.
    """
    size = len(text)
    count = min(sections, size)
    spans = [(size * i // count, size * (i + 1) // count) for i in range(count)]
    measured = tuple(Section(start, end, _density(_sample(text, start, end))) for start, end in spans)
    return EntropyMap(size, measured, _spikes([section.value for section in measured]))


def _sample(text: str, start: int, end: int) -> str:
    if end - start <= SAMPLE_CHARS:
        return text[start:end]
    window = SAMPLE_CHARS // 3
    middle = (start + end - window) // 2
    return text[start : start + window] + text[middle : middle + window] + text[end - window : end]


def _density(sample: str) -> float:
    data = sample.encode("utf-8", "surrogatepass")
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = len(packer.compress(data)) + len(packer.flush())
    return round(min(1.0, packed / len(data)), 3)


def _spikes(values: list[float]) -> tuple[int, ...]:
    """Find the values far from the median, in units of the median distance from it (robust against the spikes)."""
    if len(values) < 3:
        return ()
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    limit = max(_SPIKE_LEAST, _SPIKE_SPREADS * median(distances))
    found = [i for i, distance in enumerate(distances) if distance > limit]
    return tuple(sorted(found, key=lambda i: (-distances[i], i))[:_SPIKES_MOST])
