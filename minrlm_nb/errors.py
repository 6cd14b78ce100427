"""Every exception minrlm_nb raises (standard library only).

Each message says in one sentence what happened, the limit, and the remedy. Data rides along as attributes, and
every error survives pickling with them.
"""

from __future__ import annotations

from typing import Any


class RLMError(Exception):
    """Base of all our errors.

    Parameters
    ----------
    message
        One sentence: what happened, the limit, the remedy.
    **data
        Facts a caller may want, kept as attributes.
    """

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.__dict__.update(data)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


def _rebuild(kind: type[RLMError], message: str, data: dict[str, Any]) -> RLMError:
    return kind(message, **data)


# -- what a caller gave us -------------------------------------------------------------------------------------


class ConfigError(RLMError, ValueError):
    """A setting out of range or of the wrong type; names the field, the value and what is allowed."""


class NotAvailableError(ConfigError):
    """A setting whose feature this version does not have yet; refused rather than ignored."""


class InputError(RLMError, ValueError):
    """An input that is missing, of a kind we can't read, or not text in any encoding we can detect."""


# -- the model -------------------------------------------------------------------------------------------------


class ModelError(RLMError):
    """The model could not be asked or gave nothing usable."""


class NoModelError(ModelError):
    """No model was named and none was found; names the ways to get one."""


class ModelAuthError(ModelError):
    """The endpoint refused the key, or wants one."""


class ModelNotFoundError(ModelError):
    """The endpoint does not know that model."""


class ModelRateLimitError(ModelError):
    """Still rate-limited, or out of quota, after the retries."""


class ModelTimeoutError(ModelError):
    """No complete reply in time."""


class ModelConnectionError(ModelError):
    """The endpoint could not be reached, or the connection broke."""


class ModelRequestError(ModelError):
    """The endpoint refused the request itself (4xx)."""


class ContextLengthError(ModelRequestError):
    """The messages are longer than the model's context window."""


class ModelServerError(ModelError):
    """The endpoint failed (5xx) after the retries."""


class ModelReplyError(ModelError):
    """A reply that can't be understood: garbage, or nothing in it."""


class ModelFileError(ModelError):
    """The embedded model's weights are missing, damaged, or could not be fetched."""


class LocalServerError(ModelError):
    """The embedded model's server did not start or went away."""


# -- the REPL kernel -------------------------------------------------------------------------------------------


class KernelError(RLMError):
    """The REPL kernel could not be started, restarted or reached."""


class IsolationError(KernelError):
    """The wanted isolation level can't be had; says why and what would help."""


class SubCallError(RLMError):
    """A sub-call failed or was refused; ``kind`` is one of `minrlm_nb.wire.FailureKind`."""

    kind: str = "model"


# -- a run and its trace ---------------------------------------------------------------------------------------


class RunStopped(RLMError):  # noqa: N818  (an outcome, not a fault)
    """The run was stopped by its owner; raised inside the engine, seen outside as stop reason ``stopped``."""


class TraceError(RLMError):
    """A trace could not be written, or what was read is not a trace."""
