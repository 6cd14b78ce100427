"""The Python face: `RLM` and what it returns. Wires model, REPL kernel, engine and trace together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .core.config import RunConfig
from .core.events import Event, Listener, Notice
from .core.ports import Cancel, ChatModel, InputText, Repl
from .core.prompts import Brief, SmallView
from .core.records import Message
from .engine import Engine, Job, Running
from .errors import ConfigError, NotAvailableError, TraceError
from .profile import InputProfile, describe_all, profile
from .repl.fingerprint import facts_in_background
from .repl.inputs import as_inputs
from .result import RunResult
from .trace.write import TraceWriter

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

MOST_RUNS_AT_ONCE = 4
"""Runs that `RLM.map` has under way at once; each has a kernel of its own."""

DEFAULT_TRACE_DIR = "rlm_traces"


@dataclass
class Conversation:
    """What a run leaves behind for another to continue: kernel, messages, trace. Close it when done."""

    repl: Repl
    writer: TraceWriter
    inputs: tuple[InputText, ...] = ()
    profiles: tuple[InputProfile, ...] = ()
    messages: tuple[Message, ...] = ()

    def close(self) -> None:
        """End the kernel."""
        self.repl.close()


class RLM:
    """Recursive Language Model over data that never enters the prompt.

    Parameters
    ----------
    model : str, ChatModel or None
        A model's name at the endpoint, ``"local"`` for the embedded one, a ready model, or None to find one: the
        environment (``MINRLM_*``, then ``OPENAI_*``), a local server, the embedded model.
    base_url, api_key : str or None
        The endpoint, when it is not OpenAI's, and its key.
    client : openai.OpenAI or openai.AsyncOpenAI or None
        A ready client instead.
    isolation : str, default "auto"
        How the REPL kernel is boxed; in this version ``auto`` and ``none`` both run it unboxed and say so.
    max_steps, max_time_s, cell_timeout_s, max_tokens, max_cost_usd, max_sub_calls, sub_concurrency, depth
        Limits, see `minrlm_nb.core.config.RunConfig`.
    review, route, schema, tools, packages
        Belong to later versions; anything but the default is refused.
    temperature, reasoning_effort, max_output_tokens
        Passed to the model; None leaves a parameter out.
    trace_dir : path or None, default "rlm_traces"
        Folder of the traces, created when needed; None writes none.
    on_event : callable or None
        Gets every event of `minrlm_nb.core.events`, from the run's threads, one at a time.

    Raises
    ------
    ConfigError
        For a setting out of range.
    NoModelError
        If no model was named and none was found.

    Examples
    --------
    >>> with RLM(model="gpt-6-luna") as rlm:  # doctest: +SKIP
    ...     rlm.completion("How many ERROR lines?", Path("server.log")).answer
    """

    def __init__(
        self,
        model: str | ChatModel | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        client: OpenAI | AsyncOpenAI | None = None,
        isolation: str = "auto",
        max_steps: int = 8,
        max_time_s: float = 300,
        cell_timeout_s: float = 30,
        max_tokens: int | None = None,
        max_cost_usd: float | None = None,
        max_sub_calls: int = 100,
        sub_concurrency: int = 8,
        depth: int = 1,
        review: object = None,
        route: str = "auto",
        schema: object = None,
        tools: Sequence[object] = (),
        packages: Sequence[str] = (),
        temperature: float | None = 0.0,
        reasoning_effort: str | None = None,
        max_output_tokens: int | None = None,
        trace_dir: str | os.PathLike[str] | None = DEFAULT_TRACE_DIR,
        on_event: Listener | None = None,
    ) -> None:
        _refuse_later_features(review=review, route=route, schema=schema, tools=tools, packages=packages)
        self.config = RunConfig(
            max_steps=max_steps,
            max_time_s=max_time_s,
            cell_timeout_s=cell_timeout_s,
            max_tokens=max_tokens,
            max_cost_usd=max_cost_usd,
            max_sub_calls=max_sub_calls,
            sub_concurrency=sub_concurrency,
            depth=depth,
            isolation=os.environ.get("MINRLM_ISOLATION", "auto") if isolation == "auto" else isolation,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            max_output_tokens=max_output_tokens,
        )
        self.trace_dir = None if trace_dir is None else Path(trace_dir).expanduser()
        self._on_event = on_event
        self._owns_model = model is None or isinstance(model, str)
        self.model = _resolve(model, base_url, api_key, client)
        if max_cost_usd is not None and not self.model.has_price:
            name = self.model.name
            self.close()
            raise ConfigError(f"max_cost_usd needs a price, and none is known for {name!r}; limit max_tokens instead")

    def completion(self, task: str, context: object = "") -> RunResult:
        """Answer a task about some data.

        Parameters
        ----------
        task : str
            The question.
        context
            The data: str, bytes, `pathlib.Path`, DataFrame or Series, dict or list of JSON values, or a list of
            str, bytes, paths or frames, which become ``input_0``, ``input_1`` and so on. Empty for pure computation.

        Returns
        -------
        RunResult
            Also when no answer was found: see its ``stop_reason`` and ``error``.

        Raises
        ------
        InputError, ConfigError
            Before any model call, when the data or the task can't be used.
        KeyboardInterrupt
            After the run was stopped; its trace is saved.
        """
        running, conversation = self.prepare(task, context)
        try:
            return running.start().wait()
        finally:
            conversation.close()

    async def acompletion(self, task: str, context: object = "") -> RunResult:
        """`completion` for a running event loop; cancelling the awaiting task stops the run."""
        running, conversation = await asyncio.to_thread(self.prepare, task, context)
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def finish() -> None:
            conversation.close()
            loop.call_soon_threadsafe(done.set)

        running.start(finish)
        try:
            await done.wait()
        except asyncio.CancelledError:
            running.cancel.stop()
            await done.wait()
            raise
        return running.result()

    def map(self, task: str, inputs: Iterable[object]) -> list[RunResult]:
        """Ask the same of each of several inputs, a few at once; results in the order of the inputs.

        Every input is checked before the first model call.
        """
        ready = [as_inputs(one) for one in inputs]
        with ThreadPoolExecutor(min(MOST_RUNS_AT_ONCE, len(ready)) or 1, thread_name_prefix="minrlm-map") as pool:
            return list(pool.map(lambda texts: self.completion(task, texts), ready))

    def prepare(
        self,
        task: str,
        context: object = "",
        *,
        labels: Sequence[str] | None = None,
        listeners: Sequence[Listener] = (),
        trace_path: Path | None = None,
        previous: Conversation | None = None,
        pooled: bool = True,
    ) -> tuple[Running[RunResult], Conversation]:
        """Check everything and get a run ready, without starting it.

        Parameters
        ----------
        labels
            What the inputs are called in reports, one each.
        listeners
            Told every event, besides ``on_event``.
        trace_path
            File of the trace, instead of one in ``trace_dir``.
        previous
            What an earlier run left, to continue it: same kernel, same messages, same trace.
        pooled
            Whether to take a warm kernel and have the next one warmed; False in a process that makes one run.

        Returns
        -------
        Running, Conversation
            The run, for the caller to start; and what it leaves behind, for the caller to close once it is over.
        """
        if not isinstance(task, str) or not task.strip():
            raise ConfigError(f"the task must be a text that says what to find out, not {task!r}")
        found = as_inputs(context, labels)
        profiles = tuple(profile(i.text, i.facts.name, i.facts.label) for i in found)
        inputs = tuple(replace(i, facts=replace(i.facts, kind=p.kind)) for i, p in zip(found, profiles, strict=True))
        cancel = Cancel()
        if previous is None:
            writer = TraceWriter(trace_path, folder=self.trace_dir, profiles=profiles)
            conversation = Conversation(self._new_repl(pooled), writer, inputs, profiles)
        else:
            conversation = previous
            if inputs:
                conversation.inputs, conversation.profiles = inputs, profiles
                conversation.writer.profiles = profiles
        told = (conversation.writer, *listeners, *((self._on_event,) if self._on_event else ()))
        engine = Engine(self.model, conversation.repl, self.config, told, cancel, self._new_repl)
        conversation.writer.on_problem = lambda problem: _report(engine.tell, problem)
        job = Job(
            task.strip(),
            conversation.inputs,
            self._brief(profiles if previous is None or inputs else ()),
            conversation.messages,
            facts_in_background(conversation.inputs),
        )

        def work() -> RunResult:
            record = engine.run(job)
            conversation.messages = engine.messages
            return RunResult(record, conversation.writer.notebook, conversation.writer.path)

        return Running(work, cancel), conversation

    def close(self) -> None:
        """Close the model's connections, if this object opened them."""
        if self._owns_model:
            self.model.close()

    def __enter__(self) -> RLM:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RLM(model={self.model.name!r}, isolation={self.config.isolation!r})"

    def _brief(self, profiles: tuple[InputProfile, ...]) -> Brief:
        views = tuple(SmallView(p.name, p.head.text, p.kind, p.columns, p.size, p.lines) for p in profiles)
        return Brief(describe_all(profiles), views, self.config.max_steps)

    def _new_repl(self, pooled: bool = True) -> Repl:
        from .repl.session import ReplSession

        return ReplSession(self.config.isolation, pooled=pooled)


def heatmap(text: str) -> Any:
    """The entropy heatmap of a text by itself; comes with the notebook view.

    Raises
    ------
    NotAvailableError
        In this version.
    """
    raise NotAvailableError("heatmap() comes with the live notebook view; the report of %%rlm shows the heat strip")


def _resolve(
    model: str | ChatModel | None, base_url: str | None, api_key: str | None, client: OpenAI | AsyncOpenAI | None
) -> ChatModel:
    if model is not None and not isinstance(model, str):
        if base_url is not None or api_key is not None or client is not None:
            raise ConfigError("a ready model object needs no base_url, api_key or client; leave them out")
        return model
    from .models.resolve import resolve

    return resolve(model, base_url, api_key, client).model


def _report(tell: Callable[[Event], None], problem: TraceError) -> None:
    tell(Notice(str(problem), "warning"))


_LATER = {
    "review": (None, "reviewing cells comes with the live notebook view; leave review=None"),
    "route": ("auto", "choosing a route comes with the router; leave route='auto'"),
    "schema": (None, "checking answers against a schema comes with the grounding rules; leave schema=None"),
    "tools": ((), "own tools in the REPL are not supported yet; leave tools=()"),
    "packages": ((), "packages are chosen with the boxed kernel; leave packages=()"),
}


def _refuse_later_features(**given: object) -> None:
    for name, value in given.items():
        default, why = _LATER[name]
        if value != default and not (default == () and isinstance(value, (list, tuple)) and not value):
            raise NotAvailableError(f"{name}={value!r}: {why}")
