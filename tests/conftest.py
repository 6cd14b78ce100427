"""What every test shares: no key and no model of the machine's owner, a folder of its own, kernels ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys, endpoints and traces of whoever runs the tests stay out of them."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "MINRLM_")) and name != "MINRLM_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _warm_kernels_end() -> Iterator[None]:
    """No warm kernel outlives the tests."""
    yield
    from minrlm_nb.repl.pool import shared_pool

    shared_pool().close()
