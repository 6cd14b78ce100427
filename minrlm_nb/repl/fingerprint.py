"""The sha256 by which a trace finds its inputs again; worked out beside the run, as it takes a while for big inputs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.ports import InputText
from ..core.records import InputFacts
from ..wire import TEXT_ENCODING, TEXT_ERRORS

_CHUNK_CHARS = 2**20


def sha256_of(text: str) -> str:
    """The sha256 of the text in UTF-8, as hex digits (about 1 ms a megabyte)."""
    digest = hashlib.sha256()
    for start in range(0, len(text), _CHUNK_CHARS):
        digest.update(text[start : start + _CHUNK_CHARS].encode(TEXT_ENCODING, TEXT_ERRORS))
    return digest.hexdigest()


def with_sha256(item: InputText) -> InputText:
    """The input with its sha256 in its facts."""
    if item.facts.sha256:
        return item
    return replace(item, facts=replace(item.facts, sha256=sha256_of(item.text)))


def facts_in_background(inputs: Sequence[InputText]) -> Callable[[], tuple[InputFacts, ...]]:
    """Begin to work out the sha256 of all inputs in a thread; returns what waits for them and gives their facts."""
    done: list[InputFacts] = []

    def work() -> None:
        done.extend(with_sha256(item).facts for item in inputs)

    thread = threading.Thread(target=work, name="minrlm-sha256", daemon=True)
    thread.start()

    def wait() -> tuple[InputFacts, ...]:
        thread.join()
        return tuple(done)

    return wait
