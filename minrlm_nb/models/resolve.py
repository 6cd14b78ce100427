"""Which model is meant: what the caller names, else what the environment and this machine offer.

Imports neither the SDK nor the embedded model before one of them is chosen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..core.ports import ChatModel, PromptProfile
from ..errors import ConfigError, NoModelError
from .discovery import LocalServer, chat_models, find_local_servers
from .endpoint import OPENAI_URL, Endpoint, check_base_url, is_loopback

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

DEFAULT_MODEL: Final = "gpt-6-luna"
"""OpenAI's small model, where there is a key for OpenAI and nobody names a model."""

EMBEDDED: Final = "local"
"""``local`` or ``local:NAME`` is the embedded model, ``NAME`` as `minrlm_nb.models.local.open_local` has it."""

SMALL_B: Final = 4.0
"""Billions of parameters up to which a model gets the short prompt."""

_SIZE = re.compile(r"(?<![a-z0-9.])[ae]?(\d+(?:\.\d+)?b|\d{2,3}m)(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Resolution:
    """A model and, for the person, where it came from: for example ``OPENAI_API_KEY`` or ``Ollama``."""

    model: ChatModel
    source: str


@dataclass(frozen=True)
class _Place:
    """An endpoint: its URL, its key if there is one, and what named it."""

    base_url: str
    api_key: str | None
    source: str


def resolve(
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    client: OpenAI | AsyncOpenAI | None = None,
    *,
    prompt_profile: PromptProfile | None = None,
    environ: Mapping[str, str] | None = None,
    find_servers: Callable[[], list[LocalServer]] = find_local_servers,
) -> Resolution:
    """Find the model to ask.

    The endpoint is the first of: ``client``; ``base_url`` or ``api_key``; ``MINRLM_BASE_URL`` or ``MINRLM_API_KEY``;
    ``OPENAI_BASE_URL`` or ``OPENAI_API_KEY``; a server on this machine that answers; the embedded model. The name is
    the first of: ``model``; ``MINRLM_MODEL``; ``OPENAI_MODEL`` at the endpoint of ``OPENAI_``; `DEFAULT_MODEL` at
    OpenAI; what a server on this machine lists first. A key from the environment goes to no other host than the one
    it stands beside there.

    Parameters
    ----------
    model : str, optional
        The model's name; ``"local"`` or ``"local:0.5b"`` is the embedded one.
    base_url, api_key : str, optional
        An OpenAI-compatible endpoint.
    client : openai.OpenAI or openai.AsyncOpenAI, optional
        A ready client in their place.
    prompt_profile : ``"frontier"`` or ``"small"``, optional
        Which prompt a model behind an endpoint gets; by default ``"small"`` for names that tell of at most 4 billion
        parameters.
    environ : mapping, optional
        Default ``os.environ``.
    find_servers
        Looks for servers on this machine.

    Returns
    -------
    Resolution
        The model, open and yours to close, and where it came from.

    Raises
    ------
    NoModelError
        If there is none; names the ways to get one.
    ConfigError
        If arguments contradict each other or an endpoint needs a model's name.
    ModelFileError
        If the embedded model was named and is not on this machine.
    """
    env = {name: value.strip() for name, value in (os.environ if environ is None else environ).items()}
    named, named_by = (model, "model") if model else (env.get("MINRLM_MODEL") or None, "MINRLM_MODEL")
    if named is not None and (named == EMBEDDED or named.startswith(f"{EMBEDDED}:")):
        if base_url or api_key or client is not None:
            raise ConfigError(f"{named!r} is the embedded model and takes no base_url, api_key or client")
        return Resolution(_embedded(named), named_by)
    if client is not None:
        if base_url or api_key:
            raise ConfigError("client has its own base_url and api_key; give either the client or those")
        place = _Place(str(client.base_url), str(client.api_key), "client")
    else:
        place = _place(base_url, api_key, env) or _Place("", None, "")
    if not place.base_url:
        return _on_this_machine(named, prompt_profile, find_servers)
    name = named or _name_at(place, env)
    profile = prompt_profile or profile_of(name)
    source = place.source if named is None or named_by == "model" else f"{place.source} and {named_by}"
    from .openai_chat import OpenAIChat

    if client is not None:
        return Resolution(OpenAIChat(name, client=client, prompt_profile=profile), source)
    return Resolution(OpenAIChat(name, place.base_url, place.api_key, prompt_profile=profile), source)


def profile_of(model: str) -> PromptProfile:
    """``"small"`` for a name that tells of at most `SMALL_B` billion parameters, such as ``qwen2.5-coder:1.5b``."""
    sizes = [float(size[:-1]) / (1000 if size[-1] in "mM" else 1) for size in _SIZE.findall(model)]
    return "small" if sizes and max(sizes) <= SMALL_B else "frontier"


def _place(base_url: str | None, api_key: str | None, env: Mapping[str, str]) -> _Place | None:
    """The endpoint that arguments or environment name, None if neither does."""
    openai_url, openai_key = env.get("OPENAI_BASE_URL"), env.get("OPENAI_API_KEY")
    our_url, our_key = env.get("MINRLM_BASE_URL"), env.get("MINRLM_API_KEY")
    if base_url or api_key:
        url, key, source = base_url or our_url or openai_url, api_key, "base_url" if base_url else "api_key"
    elif our_url or our_key:
        url, key, source = our_url or openai_url, our_key, "MINRLM_BASE_URL" if our_url else "MINRLM_API_KEY"
    elif openai_url or openai_key:
        url, key, source = openai_url, openai_key, "OPENAI_BASE_URL" if openai_url else "OPENAI_API_KEY"
    else:
        return None
    url = check_base_url(url or OPENAI_URL)
    # A key of the environment is for the endpoint beside it: never send it to another host because a URL was given.
    stored = ((our_key, our_url or openai_url), (openai_key, openai_url))
    key = key or next((k for k, its in stored if k and _host(its or OPENAI_URL) == _host(url)), None)
    return _Place(url, key, source)


def _name_at(place: _Place, env: Mapping[str, str]) -> str:
    """The model to ask for where none was named.

    Raises
    ------
    ConfigError
        If the endpoint has no obvious one.
    """
    at_openai_level = _host(place.base_url) == _host(env.get("OPENAI_BASE_URL") or OPENAI_URL)
    if at_openai_level and env.get("OPENAI_MODEL"):
        return env["OPENAI_MODEL"]
    if _host(place.base_url) == _host(OPENAI_URL):
        return DEFAULT_MODEL
    if is_loopback(place.base_url) and (models := chat_models(place.base_url, place.api_key)):
        return models[0]
    raise ConfigError(
        f"{Endpoint('', place.base_url).place} needs the name of a model; give model=… (-m) or set MINRLM_MODEL"
    )


def _on_this_machine(
    named: str | None, prompt_profile: PromptProfile | None, find_servers: Callable[[], list[LocalServer]]
) -> Resolution:
    """A server on loopback, else the embedded model.

    Raises
    ------
    NoModelError
        If there is neither, or no server offers the model that was named.
    """
    servers = find_servers()
    for server in servers:
        name = server.models[0] if named is None else _listed(named, server.models)
        if name is not None:
            from .openai_chat import OpenAIChat

            profile = prompt_profile or profile_of(name)
            return Resolution(OpenAIChat(name, server.base_url, prompt_profile=profile), server.name)
    if named is not None:
        offered = "; ".join(f"{server.name} offers {', '.join(server.models)}" for server in servers)
        raise NoModelError(
            f"no endpoint for the model {named!r}: {offered or 'no server answers on this machine'}; name one with "
            "base_url=… or MINRLM_BASE_URL, or set OPENAI_API_KEY"
        )
    from . import local

    if local.installed():
        return Resolution(_embedded(EMBEDDED), "embedded")
    raise NoModelError(
        "there is no model to ask: name an endpoint (model=…, base_url=…, or set OPENAI_API_KEY or MINRLM_BASE_URL), "
        "or start a local server (Ollama, LM Studio, llama.cpp, vLLM), or fetch the embedded model with "
        "`minrlm-nb model get`"
    )


def _listed(named: str, models: Sequence[str]) -> str | None:
    """The name as the server lists it: Ollama's own client leaves out ``:latest``, so may a person."""
    return next((name for name in (named, f"{named}:latest") if name in models), None)


def _embedded(named: str) -> ChatModel:
    from . import local

    return local.open_local(named)


def _host(base_url: str) -> str:
    return urlsplit(base_url).netloc.rpartition("@")[2].lower()
