"""Any OpenAI-compatible endpoint, through the ``openai`` SDK. The only module that imports the SDK.

The SDK has the key, builds URLs and headers, retries and times out; the reply is read from its response as bytes, so
that size, silence and garbage are ours to judge, the same for streams and whole replies and for every vendor's fields.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..core.ports import Cancel, Delta, PromptProfile
from ..core.records import ModelReply, ModelRequest
from ..errors import ConfigError, ModelConnectionError, ModelTimeoutError
from . import prices
from .async_caller import AsyncCaller
from .endpoint import OPENAI_URL, Endpoint, check_base_url, is_loopback
from .exchange import Caller, Exchange
from .failures import explain, read_error, wait_asked
from .loop_thread import LoopThread
from .notices import Notices
from .parameters import Parameters
from .thread_caller import ThreadCaller

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

NO_KEY: Final = "none"
"""Sent where no key is known: local servers take any, the SDK wants one."""

ENDING_S: Final = 1.0
"""A call that has ended just before its deadline gets so long to hand over what it has."""


class OpenAIChat:
    """A `minrlm_nb.core.ports.ChatModel` behind an OpenAI-compatible endpoint.

    Parameters
    ----------
    model : str
        The model's name at the endpoint.
    base_url : str, optional
        For example ``http://localhost:11434/v1``; default OpenAI's own.
    api_key : str, optional
        Sent to that endpoint alone; left out for local servers. The environment is not read here, see
        `minrlm_nb.models.resolve`.
    client : openai.OpenAI or openai.AsyncOpenAI, optional
        A ready client in place of both, with its own settings. A blocking one works on threads. An asynchronous one is
        copied onto our own connections; one with an ``http_client`` of its own is used as it is, from our event loop,
        so do not await it elsewhere in the meantime.
    prompt_profile : ``"frontier"`` or ``"small"``
        Which prompt the model gets.
    label : str, optional
        What the person sees; default ``model``.
    extra_body : mapping, optional
        Put into every request, over our own parameters.
    timeout_s : float
        Seconds for a call with all its retries, where the request names none.
    idle_s : float
        Seconds of silence in the midst of a streamed reply after which what has come is used.
    max_retries : int
        How often the SDK asks again after a failed connection, 408, 409, 429 or 5xx.
    max_reply_chars : int
        The longest reply; a longer one is cut and ends with ``finish_reason`` ``"length"``.

    Raises
    ------
    ConfigError
        Names the argument and what is allowed.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        client: OpenAI | AsyncOpenAI | None = None,
        prompt_profile: PromptProfile = "frontier",
        label: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout_s: float = 600.0,
        idle_s: float = 60.0,
        max_retries: int = 2,
        max_reply_chars: int = 2_000_000,
    ) -> None:
        if not isinstance(model, str) or not model.strip():
            raise ConfigError(f"model must be the name of a model, not {model!r}")
        if client is not None and (base_url is not None or api_key is not None):
            raise ConfigError("client has its own base_url and api_key; give either the client or those")
        for name, value in (("timeout_s", timeout_s), ("idle_s", idle_s), ("max_reply_chars", max_reply_chars)):
            if not value > 0:
                raise ConfigError(f"{name} must be above 0, not {value!r}")
        if max_retries < 0:
            raise ConfigError(f"max_retries must be 0 or more, not {max_retries!r}")
        self._notices = Notices()
        if client is None:
            base_url, api_key = check_base_url(base_url or OPENAI_URL), api_key or NO_KEY
            open_caller: Callable[[], Caller] = partial(_open_own, base_url, api_key, max_retries, self._notices)
        else:
            open_caller = _from_user(client)
            base_url, api_key = str(client.base_url), str(client.api_key)
        secrets = tuple(filter(None, (api_key, urlsplit(base_url).password)))
        self._endpoint = Endpoint(model, base_url, secrets)
        self._prompt_profile: PromptProfile = prompt_profile
        self._label = label or model
        self._timeout_s = timeout_s
        parameters = Parameters(model, extra_body)
        self._exchange = Exchange(self._endpoint, parameters, self._notices, idle_s, max_reply_chars)
        # The SDK takes 0.4 s to import and a client 0.05 s; meanwhile the caller can start a kernel.
        self._opening = _Opening()
        first = partial(self._opening.run, open_caller)
        self._thread = LoopThread("openai-chat", first=first, last=self._opening.close)

    def __repr__(self) -> str:
        return f"OpenAIChat({self._label!r} at {self._endpoint.place})"

    @property
    def name(self) -> str:
        """What the person sees."""
        return self._label

    @property
    def prompt_profile(self) -> PromptProfile:
        """Which prompt the model gets."""
        return self._prompt_profile

    @property
    def has_price(self) -> bool:
        """Whether replies carry a cost in dollars."""
        return prices.has_price(self._endpoint.model, self._endpoint.base_url)

    def ask(self, request: ModelRequest, cancel: Cancel, on_delta: Delta | None = None) -> ModelReply:
        """Ask once and wait for the reply; streams when ``on_delta`` is given.

        ``on_delta`` is called in this thread, and what has come while it was busy is told in one piece; so a slow
        listener holds nothing up.

        Raises
        ------
        ModelError
            When no usable reply could be had, retries included; `ModelTimeoutError` when the time is up.
        RunStopped
            At once when ``cancel`` is set, wherever the call stands.
        """
        cancel.raise_if_stopped()
        timeout_s = self._timeout_s if request.timeout_s is None else request.timeout_s
        deadline = time.monotonic() + timeout_s
        inbox: queue.SimpleQueue[tuple[str, bool] | None] = queue.SimpleQueue()
        tell = None if on_delta is None else lambda text, is_reasoning: inbox.put((text, is_reasoning))
        try:
            call = self._thread.submit(self._ask(request, timeout_s, tell))
        except RuntimeError:
            raise ModelConnectionError("this model was closed; make a new one") from None
        call.add_done_callback(lambda _: inbox.put(None))

        def give_up() -> None:
            call.cancel()

        forget = cancel.on_stop(give_up)
        try:
            ended = False
            while not ended:
                waiting = [inbox.get(timeout=_left(deadline, call))]
                waiting += [inbox.get() for _ in range(inbox.qsize())]  # nobody but this thread takes
                ended = None in waiting
                for is_reasoning, pieces in groupby(filter(None, waiting), key=itemgetter(1)):
                    cancel.raise_if_stopped()
                    if on_delta is not None:
                        on_delta("".join(text for text, _ in pieces), is_reasoning)
            return call.result()
        except queue.Empty:
            raise ModelTimeoutError(
                f"{self._label} gave no complete reply within {timeout_s:g} s; allow it more time or try again",
                timeout_s=timeout_s,
            ) from None
        except CancelledError:
            cancel.raise_if_stopped()
            raise ModelConnectionError("the model was closed while it was asked") from None
        finally:
            forget()
            give_up()  # does nothing to a call that has ended

    def notices(self) -> list[str]:
        """Remarks since the last call of this; clears them."""
        return self._notices.take()

    def close(self) -> None:
        """End calls still under way, close connections, end the thread; harmless when called again."""
        self._thread.close()

    async def _ask(
        self, request: ModelRequest, timeout_s: float, tell: Callable[[str, bool], None] | None
    ) -> ModelReply:
        caller = self._opening.caller
        if isinstance(caller, Exception):
            raise explain(read_error(caller), self._endpoint)
        return await self._exchange.ask(caller, request, timeout_s, tell)


def _left(deadline: float, call: Future[ModelReply]) -> float:
    """Seconds until the deadline.

    Raises
    ------
    queue.Empty
        If it has passed, though pieces may still be waiting; not for a call that has ended.
    """
    left_s = deadline - time.monotonic()
    if call.done():
        return max(left_s, ENDING_S)
    if left_s <= 0:
        raise queue.Empty
    return left_s


class _Opening:
    """The caller, made on the thread of the event loop; holds the exception if that failed."""

    def __init__(self) -> None:
        self.caller: Caller | Exception = RuntimeError("the client is not open yet")

    def run(self, open_caller: Callable[[], Caller]) -> None:
        """Make it; before anything is asked."""
        try:
            self.caller = open_caller()
        except Exception as error:
            self.caller = error

    async def close(self) -> None:
        """Close it, after everything was asked."""
        if not isinstance(self.caller, Exception):
            await self.caller.close()


def _open_own(base_url: str, api_key: str, max_retries: int, notices: Notices) -> Caller:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    place = Endpoint("", base_url).place

    async def remark(response: Any) -> None:
        if response.status_code in (408, 409, 429) or response.status_code >= 500:
            notices.add(f"{place} answered {response.status_code}{wait_asked(response)}")

    # A proxy from the environment can't reach a server on this machine.
    http_client = DefaultAsyncHttpxClient(trust_env=not is_loopback(base_url), event_hooks={"response": [remark]})
    client = AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=max_retries, http_client=http_client)
    return _async_caller(client, ours=True)


def _from_user(client: object) -> Callable[[], Caller]:
    """How to call through a client the user made.

    Raises
    ------
    ConfigError
        If it is not one of the SDK's.
    """
    from openai import AsyncOpenAI, OpenAI, Stream

    if isinstance(client, OpenAI):
        return partial(ThreadCaller, client, Stream[object])
    if not isinstance(client, AsyncOpenAI):
        raise ConfigError(f"client must be an openai.OpenAI or openai.AsyncOpenAI, not {type(client).__name__}")
    # Connections belong to the event loop that opened them, and the user's loop is another than ours. The SDK's own
    # HTTP client holds no settings beyond those that the copy keeps; one the user made may, so that one stays.
    if type(client._client).__name__ != "AsyncHttpxClientWrapper":
        return partial(_async_caller, client, ours=False)
    return partial(_copied, client)


def _copied(client: AsyncOpenAI) -> Caller:
    from openai import DefaultAsyncHttpxClient

    return _async_caller(client.copy(http_client=DefaultAsyncHttpxClient()), ours=True)


def _async_caller(client: AsyncOpenAI, ours: bool) -> Caller:
    from openai import AsyncStream, Timeout

    return AsyncCaller(client, AsyncStream[object], Timeout, ours)
