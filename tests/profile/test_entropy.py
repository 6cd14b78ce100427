import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minrlm_nb.profile.entropy import SAMPLE_CHARS, entropy_map


@given(st.text(st.characters(exclude_categories=()), max_size=500), st.integers(1, 30))
def test_sections_cover_the_text_without_gap_or_overlap(text: str, count: int) -> None:
    found = entropy_map(text, count)
    assert found.size == len(text)
    assert len(found.sections) == min(count, len(text))
    edges = [0, *(section.end for section in found.sections)]
    assert [section.start for section in found.sections] == edges[:-1]
    assert edges[-1] == len(text)
    assert all(0 <= section.value <= 1 for section in found.sections)
    assert len(found.digits) == len(found.sections)


def test_an_empty_text_has_no_sections() -> None:
    assert entropy_map("").sections == ()
    assert entropy_map("").digits == ""


def test_one_character_is_one_section() -> None:
    assert [(s.start, s.end) for s in entropy_map("x").sections] == [(0, 1)]


@pytest.mark.parametrize("size", [40_000, 4_000_000])
def test_random_text_in_a_repetitive_one_is_a_spike(size: int) -> None:
    noise = f"{random.Random(1).getrandbits(size // 5):x}"
    text = "the same line again\n" * (size // 20)
    at = 14 * size // 20
    found = entropy_map(text[:at] + noise[: size // 20] + text[at:])
    assert set(found.spikes) <= {13, 14}
    assert found.spikes


def test_a_repetitive_part_of_a_dense_text_is_a_spike_too() -> None:
    noise = f"{random.Random(1).getrandbits(400_000):x}"
    assert entropy_map(noise[:50_000] + "=" * 5_000 + noise[50_000:95_000]).spikes == (10,)


def test_a_text_that_is_the_same_throughout_has_no_spikes() -> None:
    assert entropy_map("2026-11-22 10:00:00 INFO nothing happened\n" * 50_000).spikes == ()


def test_sections_longer_than_the_sample_are_seen_at_their_start_middle_and_end() -> None:
    noise = f"{random.Random(1).getrandbits(4 * SAMPLE_CHARS):x}"
    size = 10 * SAMPLE_CHARS
    for place in (0, size // 2 - len(noise) // 2, size - len(noise)):
        text = "a" * place + noise + "a" * (size - place - len(noise))
        assert entropy_map(text, 1).sections[0].value > 0.1
