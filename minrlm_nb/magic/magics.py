"""``%%rlm`` and ``%rlm``: the notebook's face and wiring point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from traitlets import Float, Int, Unicode

from .. import api
from ..core.ports import ChatModel
from ..engine import explain
from ..errors import ConfigError, InputError, ModelError, RLMError
from ..options import DEFAULTS, OPTIONS, chosen
from ..result import RunResult
from ..view.live import LiveView
from .names import check_name, fill_in, find_inputs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_LINE_COMMANDS = ("status", "last", "reset")


def _options(function: Any) -> Any:
    """Give a magic every option of `options.OPTIONS`."""
    for option in reversed(OPTIONS):
        function = argument(*option.flags, **option.keywords)(function)
    return function


@dataclass
class _LastRun:
    """What ``--continue`` and ``%rlm last`` work on."""

    conversation: api.Conversation
    result: RunResult | None = None


@magics_class
class RLM(Magics):
    """Settings of ``%%rlm``; set one with ``%config RLM.model = "..."``. Options of a cell win."""

    model = Unicode("", help="model name; empty finds one").tag(config=True)
    base_url = Unicode("", help="OpenAI-compatible endpoint; empty for the default").tag(config=True)
    output = Unicode("answer", help="variable that gets the answer").tag(config=True)
    trace_dir = Unicode(api.DEFAULT_TRACE_DIR, help="folder of the traces; empty saves none").tag(config=True)
    isolation = Unicode(DEFAULTS.isolation, help="auto or none").tag(config=True)
    max_steps = Int(DEFAULTS.max_steps, help="most model replies").tag(config=True)
    max_time_s = Float(DEFAULTS.max_time_s, help="seconds for the whole run").tag(config=True)
    cell_timeout_s = Float(DEFAULTS.cell_timeout_s, help="seconds for one cell").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="tokens of all calls together").tag(config=True)
    max_cost_usd = Float(None, allow_none=True, help="dollars of all calls together").tag(config=True)
    max_sub_calls = Int(DEFAULTS.max_sub_calls, help="most sub-calls").tag(config=True)
    sub_concurrency = Int(DEFAULTS.sub_concurrency, help="sub-calls at once").tag(config=True)
    depth = Int(DEFAULTS.depth, help="levels of recursion").tag(config=True)
    temperature = Float(DEFAULTS.temperature, allow_none=True, help="sampling temperature").tag(config=True)
    reasoning_effort = Unicode(None, allow_none=True, help="for models that take it").tag(config=True)
    max_output_tokens = Int(None, allow_none=True, help="longest reply").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell
        self._last: _LastRun | None = None
        self._models: dict[tuple[str, str], ChatModel] = {}

    @no_var_expand
    @needs_local_scope
    @magic_arguments()
    @argument("inputs", metavar="INPUT", nargs="*", help="a variable, a file or a glob; several become several inputs")
    @_options
    @argument("-o", "--output", metavar="NAME", default=None, help="variable that gets the answer (answer)")
    @argument("--trace", metavar="PATH", default=None, help="file of the trace (default: one in rlm_traces/)")
    @argument("--no-trace", action="store_true", help="save no trace")
    @argument(
        "--continue", dest="go_on", action="store_true", help="a further task in the REPL and the trace of the last run"
    )
    @line_cell_magic
    def rlm(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Answer a question about data that never enters the model's prompt.

        The body of the cell is the task; ``{name}`` puts in the value of a variable. The answer goes to the variable
        ``answer`` (or ``-o NAME``), the whole result to ``_rlm``, the run to a notebook in ``rlm_traces/``.

        ``%rlm status`` says which model would be asked, ``%rlm last`` shows the last result again, ``%rlm reset``
        ends the kernel kept for ``--continue`` and forgets the models.

        Example::

            %%rlm server.log -o errors
            How many ERROR lines in the last hour?
        """
        if cell is None:
            return self._command(line.strip())
        args = parse_argstring(self.rlm, line)
        names = {**self._shell.user_ns, **(local_ns or {})}
        try:
            self._run(args, fill_in(cell, names).strip(), names)
        except (ConfigError, InputError, ModelError) as error:
            raise UsageError(f"%%rlm: {error}") from error
        return None

    def _run(self, args: Any, task: str, names: dict[str, Any]) -> None:
        if not task:
            raise ConfigError("the cell has no task; write the question below the %%rlm line")
        output = check_name(args.output or self.output)
        context, labels = find_inputs(args.inputs, names)
        if args.trace and args.no_trace:
            raise ConfigError("--trace and --no-trace exclude each other; give one")
        previous = self._previous(args)
        settings = {**self._settings(), **chosen(args)}
        model = self._model(settings.pop("model"), settings.pop("base_url"))
        trace_dir = None if args.no_trace or not self.trace_dir else self.trace_dir
        runner = api.RLM(model, trace_dir=trace_dir, **settings)
        view = LiveView(self._shell)
        running, conversation = runner.prepare(
            task, context, labels=labels, listeners=[view], trace_path=args.trace, previous=previous
        )
        last = self._keep(conversation)
        try:
            running.start().wait(view.refresh)
        finally:
            last.result = running.result_if_any()
            if last.result is not None:
                view.finish(last.result.record, conversation.profiles, output)
                self._shell.user_ns[output] = last.result.answer
                self._shell.user_ns["_rlm"] = last.result
        if last.result is not None and last.result.stop_reason in ("model_error", "kernel_error"):
            raise UsageError(f"%%rlm: {explain(last.result.record)}")

    def _previous(self, args: Any) -> api.Conversation | None:
        """The kernel and trace to go on with, if the cell says so."""
        if not args.go_on:
            return None
        if self._last is None:
            raise ConfigError("there is no run to continue; run %%rlm without --continue first")
        if args.trace or args.no_trace:
            raise ConfigError("a continued run goes on in the trace it began; leave --trace and --no-trace out")
        return self._last.conversation

    def _keep(self, conversation: api.Conversation) -> _LastRun:
        """Keep this conversation for ``--continue``, and end the one kept so far if it is another."""
        if self._last is not None and self._last.conversation is not conversation:
            self._last.conversation.close()
        self._last = _LastRun(conversation)
        return self._last

    def _settings(self) -> dict[str, Any]:
        return {option.setting: getattr(self, option.setting) for option in OPTIONS}

    def _model(self, name: str, base_url: str) -> ChatModel:
        """The model for these settings, kept so that later cells reuse its connections."""
        key = (name, base_url)
        if key not in self._models:
            from ..models.resolve import resolve

            self._models[key] = resolve(name or None, base_url or None).model
        return self._models[key]

    def _command(self, line: str) -> Any:
        if line == "reset":
            return self.reset()
        if line == "last":
            if self._last is None or self._last.result is None:
                raise UsageError("%rlm last: no run yet")
            return self._last.result
        if line == "status":
            return self._print_status()
        raise UsageError(f"%rlm takes one of {', '.join(_LINE_COMMANDS)}; a question goes into a cell under %%rlm")

    def _print_status(self) -> None:
        from ..models.resolve import resolve

        key = (self.model, self.base_url)
        try:
            if key in self._models:
                told = f"{self._models[key].name} (in use)"
            else:
                found = resolve(self.model or None, self.base_url or None)
                told = f"{found.model.name} (from {found.source})"
                self._models[key] = found.model
        except RLMError as error:
            told = f"none: {error}"
        kept = "kept for --continue" if self._last is not None else "none kept"
        print(f"model: {told}\nREPL kernel: {kept}\ntraces: {self.trace_dir or 'not saved'}")  # noqa: T201

    def reset(self) -> None:
        """End the kept kernel and close the models."""
        last, self._last = self._last, None
        if last is not None:
            last.conversation.close()
        models, self._models = self._models, {}
        for model in models.values():
            model.close()
