"""The embedded model: fetched once, trusted by its hash, served by llama.cpp in a child process on loopback.

`open_local` gives it as a chat model; `catalog`, `fetch` and `store` bring and keep the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import catalog
from .store import installed, list_models, path

if TYPE_CHECKING:
    from ...core.ports import ChatModel

__all__ = ["installed", "list_models", "open_local", "path"]


def open_local(name: str = "local") -> ChatModel:
    """The embedded model as a chat model; its server starts in the background.

    Parameters
    ----------
    name
        ``1.5b`` or ``0.5b``, with or without ``local:`` before it; ``local:file`` is the user's own file
        (``MINRLM_GGUF``); ``local`` alone is the best of those that are here.

    Raises
    ------
    ModelFileError
        If the weights are not here or damaged; says what to type.
    LocalServerError
        If the package that serves them is not installed.
    """
    wanted = name.lower().removeprefix("local").removeprefix(":")
    if not wanted:
        wanted = next(iter(installed()), catalog.MODELS[0].name)
    file = path(wanted)
    from .chat import LocalChat
    from .process import shared_server

    return LocalChat(shared_server(file), f"local:{wanted}")
