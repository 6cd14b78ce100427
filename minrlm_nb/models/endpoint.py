"""An endpoint as errors name it: where it is, and what must never be shown of it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from ..errors import ConfigError

OPENAI_URL: Final = "https://api.openai.com/v1"
"""Where requests go when no base URL is given."""

EXCERPT_CHARS: Final = 200
LOOKED_AT_CHARS: Final = 4000

_KEY_LIKE = re.compile(r"\b(?:sk|pk|rk|gsk|hf|xai|nvapi)[-_][\w.*-]{8,}|\bAIza[\w-]{10,}|\S*\*{3,}\S*")
_BEARER = re.compile(r"(bearer\s+)\S+", re.IGNORECASE)
_SHARED_CHARS = 6
"""A word that shares so many characters in a row with a key is taken for an echo of it."""


@dataclass(frozen=True)
class Endpoint:
    """Which endpoint is meant, as errors name it; ``secrets`` are kept out of every text."""

    model: str
    base_url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def place(self) -> str:
        """The base URL without user, password and query."""
        parts = urlsplit(self.base_url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}".rstrip("/")

    def clean(self, text: str) -> str:
        """A short, one-line form of a foreign text, without anything that looks like a key."""
        words = " ".join(text[:LOOKED_AT_CHARS].split()).split(" ")
        joined = " ".join("[key]" if self._echoes(word) else word for word in words)
        joined = _KEY_LIKE.sub("[key]", _BEARER.sub(r"\1[key]", joined))
        joined = "".join(char for char in joined if char.isprintable())
        return joined if len(joined) <= EXCERPT_CHARS else joined[: EXCERPT_CHARS - 1] + "…"

    def _echoes(self, word: str) -> bool:
        return any(
            secret[start : start + _SHARED_CHARS] in word
            for secret in self.secrets
            if len(secret) > _SHARED_CHARS
            for start in range(len(secret) - _SHARED_CHARS + 1)
        )


def check_base_url(base_url: str) -> str:
    """The URL, if it is one for HTTP.

    Raises
    ------
    ConfigError
        If it is not.
    """
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        # The URL itself is not repeated: it may hold a password.
        raise ConfigError("base_url must be a URL such as http://localhost:11434/v1")
    return base_url


def is_loopback(base_url: str) -> bool:
    """Whether an endpoint is on this machine."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_private(base_url: str) -> bool:
    """Whether a host is, by its name alone, in a private network."""
    host = urlsplit(base_url).hostname or ""
    address = _address(host)
    if address is not None:
        return address.is_private
    return "." not in host or host.endswith((".local", ".internal", ".lan", ".home.arpa"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
