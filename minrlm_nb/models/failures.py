"""What went wrong at an endpoint, in our errors: the one place that reads foreign exceptions.

The SDK's classes are told apart by the names in their ancestry, never imported: so this module costs nothing to import,
serves every major version of the SDK and of the HTTP client under it, and finds a class a later version adds by its
parent. Nothing that leaves here holds a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..errors import (
    ContextLengthError,
    ModelAuthError,
    ModelConnectionError,
    ModelError,
    ModelNotFoundError,
    ModelRateLimitError,
    ModelReplyError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from .endpoint import Endpoint

OURS: Mapping[str, type[ModelError]] = {
    # the SDK
    "APITimeoutError": ModelTimeoutError,
    "APIConnectionError": ModelConnectionError,
    "AuthenticationError": ModelAuthError,
    "PermissionDeniedError": ModelAuthError,
    "SubjectTokenProviderError": ModelAuthError,
    "NotFoundError": ModelNotFoundError,
    "RateLimitError": ModelRateLimitError,
    "InternalServerError": ModelServerError,
    "BadRequestError": ModelRequestError,
    "ConflictError": ModelRequestError,
    "UnprocessableEntityError": ModelRequestError,
    "APIStatusError": ModelRequestError,
    "APIResponseValidationError": ModelReplyError,
    "LengthFinishReasonError": ModelReplyError,
    "ContentFilterFinishReasonError": ModelReplyError,
    "WebSocketConnectionClosedError": ModelConnectionError,
    "WebSocketQueueFullError": ModelConnectionError,
    "APIError": ModelServerError,
    "OpenAIError": ModelRequestError,
    # the HTTP client under it, whose errors come through while a body is read
    "TimeoutException": ModelTimeoutError,
    "RequestError": ModelConnectionError,
    "InvalidURL": ModelConnectionError,
    "OSError": ModelConnectionError,
}
"""A foreign exception's name, the most special first in its ancestry, and what it is to us."""

_CONTEXT_LENGTH = re.compile(
    r"context[_ ]length|context window|context size|maximum context|prompt is too long|input is too long"
    r"|exceed_context_size|too many (input )?tokens|reduce the length|input token count|longer than the model",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|model\b.{0,120}(not found|does not exist|doesn't exist|not a valid|not available)"
    r"|(unknown|invalid|no such) model",
    re.IGNORECASE | re.DOTALL,
)
_OUT_OF_QUOTA = re.compile(
    r"insufficient_quota|insufficient (balance|credit)|exceeded your current quota", re.IGNORECASE
)


@dataclass(frozen=True)
class Facts:
    """What a foreign exception says, in plain values.

    Parameters
    ----------
    kind
        Our class for it; `ModelError` itself for an exception nobody expected.
    message
        As the endpoint or the SDK words it; may still hold a key.
    status
        HTTP status, or 0 without a response.
    param, code
        What the error's body names.
    attempts
        How often the SDK asked.
    wait
        From `wait_asked`.
    """

    kind: type[ModelError]
    message: str = ""
    status: int = 0
    param: str = ""
    code: str = ""
    attempts: int = 1
    wait: str = ""


def read_error(error: BaseException) -> Facts:
    """Read a foreign exception by its ancestry and its attributes."""
    names = [cls.__name__ for cls in type(error).__mro__]
    kind = next((OURS[name] for name in names if name in OURS), ModelError)
    status = getattr(error, "status_code", 0) or 0
    response, request = getattr(error, "response", None), getattr(error, "request", None)
    body = getattr(error, "body", None)
    facts = Facts(
        kind,
        _message(error, body),
        status,
        param=str(getattr(error, "param", None) or ""),
        code=str(getattr(error, "code", None) or ""),
        attempts=_attempts(request),
        wait=wait_asked(response),
    )
    return by_status(facts)


def attempts_of(response: object) -> int:
    """How often the SDK asked until this response, from the header in which it counts."""
    return _attempts(getattr(response, "request", None))


def wait_asked(response: object) -> str:
    """The ``Retry-After`` of a response as the end of a sentence, or nothing."""
    wait = _header(response, "retry-after")
    if not wait:
        return ""
    return f" and asks to wait {wait} s" if wait.replace(".", "", 1).isdecimal() else f" and asks to wait until {wait}"


def read_error_object(error: object) -> Facts:
    """Read the ``error`` that some endpoints send inside a reply of status 200."""
    if not isinstance(error, Mapping):
        return Facts(ModelServerError, str(error))
    code = error.get("code")
    status = code if isinstance(code, int) else 0
    message = str(error.get("message") or error)
    return by_status(Facts(ModelServerError, message, status, str(error.get("param") or ""), str(code or "")))


def by_status(facts: Facts) -> Facts:
    """Sharpen the kind by status, code and wording, which tell more than the exception's class."""
    said = f"{facts.code} {facts.message}"
    kind = facts.kind
    if facts.status in (400, 413, 422, 500) and _CONTEXT_LENGTH.search(said):
        kind = ContextLengthError
    elif facts.status in (400, 404) and _UNKNOWN_MODEL.search(said):
        kind = ModelNotFoundError
    elif facts.status in (401, 403):
        kind = ModelAuthError
    elif facts.status in (402, 429):
        kind = ModelRateLimitError
    elif facts.status == 408:
        kind = ModelTimeoutError
    elif facts.status >= 500:
        kind = ModelServerError
    return replace(facts, kind=kind)


def explain(facts: Facts, endpoint: Endpoint, error: BaseException | None = None) -> ModelError:
    """Our error: what happened, where, and the remedy.

    Parameters
    ----------
    facts
        From `read_error`.
    endpoint
        Whom we asked.
    error
        The exception itself, for the reason a connection failed; nothing of it is kept.
    """
    place, said = endpoint.place, endpoint.clean(facts.message)
    quoted = f" ({said})" if said else ""
    times = f" after {facts.attempts} attempts" if facts.attempts > 1 else ""
    if facts.kind is ModelConnectionError:
        message = _broken(error, place, times)
    elif facts.kind is ModelTimeoutError:
        message = f"{place} did not answer in time{times}; try again, or allow the model more time"
    elif facts.kind is ModelAuthError:
        message = f"{place} refused the key, or wants one{quoted}; check api_key or the environment variable it is in"
    elif facts.kind is ModelRateLimitError and _OUT_OF_QUOTA.search(f"{facts.code} {facts.message}"):
        message = f"the account at {place} is out of quota{quoted}; add credit or use another key"
    elif facts.kind is ModelRateLimitError:
        message = f"{place} still limits the rate{times}{facts.wait}{quoted}; wait, or run fewer sub-calls side by side"
    elif facts.kind is ContextLengthError:
        message = f"the messages are too long for {endpoint.model}{quoted}; use a model with a larger context window"
    elif facts.kind is ModelNotFoundError:
        message = f"{place} does not know the model {endpoint.model!r}{quoted}; check its name and the base URL"
    elif facts.kind is ModelServerError:
        message = f"{place} failed{_status(facts)}{times}{quoted}; try again later"
    elif facts.kind is ModelRequestError:
        message = f"{place} refused the request{_status(facts)}{times}{quoted}; check the model's settings"
    elif facts.kind is ModelReplyError:
        message = f"{place} sent a reply that can't be understood{quoted}; check that it speaks the OpenAI protocol"
    else:
        message = f"asking {place} failed{quoted}; if this is no fault of the endpoint, please report it"
    return facts.kind(message, status=facts.status)


def _message(error: BaseException, body: object) -> str:
    """The endpoint's own words if there are any; ``str`` of an SDK error repeats its whole body."""
    if isinstance(body, Mapping):
        for name in ("message", "detail", "error", "error_description"):
            if isinstance(said := body.get(name), str) and said:
                return said
        return str(dict(body))
    if isinstance(body, str) and body:
        return body
    return str(error)


def _header(carrier: object, name: str) -> str:
    headers = getattr(carrier, "headers", None)
    return str(headers.get(name) or "") if headers is not None else ""


def _attempts(request: object) -> int:
    count = _header(request, "x-stainless-retry-count")
    return 1 + int(count) if count.isdecimal() else 1


def _status(facts: Facts) -> str:
    return f" with status {facts.status}" if facts.status else ""


def _broken(error: BaseException | None, place: str, times: str) -> str:
    reasons = [f"{type(reason).__name__}: {reason}" for reason in _ancestry(error)]
    said = " ".join(reasons).lower()
    if "gaierror" in said or "name or service not known" in said or "name resolution" in said:
        return f"the host of {place} was not found{times}; check the base URL and the network"
    if "refused" in said or "all connection attempts failed" in said:
        return f"nothing answers at {place}{times}; is the server running?"
    if "certificate" in said or "sslerror" in said:
        return f"no trusted connection to {place}{times}; check its certificate and the base URL"
    return f"the connection to {place} broke{times}; try again"


def _ancestry(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what caused it, groups included."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
