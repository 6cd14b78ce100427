"""A cache folder of its own for every test, and a catalog that the test fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minrlm_nb.models.local import catalog
from minrlm_nb.models.local.catalog import ModelEntry, Source

from . import tiny


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no site's mirrors."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MINRLM_CACHE", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


@pytest.fixture
def known(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelEntry]:
    """Put the tiny model with some sources into the catalog, as its only entry."""

    def put(*sources: Source) -> ModelEntry:
        entry = tiny.entry(*sources)
        monkeypatch.setattr(catalog, "MODELS", (entry,))
        return entry

    return put


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip sees."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def site() -> Iterator[tiny.Site]:
    """A web server that has the tiny file."""
    with tiny.serve() as site:
        yield site
