"""The shell that runs cells: guarded names, bounded output, plain errors, and a report on each cell."""

from __future__ import annotations

import asyncio
import contextvars
import re
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core import interactiveshell
from IPython.core.autocall import IPyAutocall
from IPython.core.compilerop import CachingCompiler
from IPython.core.error import InputRejected, UsageError
from traitlets import Type

from ..wire import CellReport
from .calls import CallChannel
from .echo import BoundedText
from .final import AnswerGiven, make_finals
from .guard import check_names
from .interpreter import Interpreter
from .output import METER, CappedDisplays, CappedStream, fit_bundle, flush_streams
from .peek import make_peek
from .reads import ReadLog
from .search import make_search
from .sizes import name_of_type
from .subcalls import make_sub_calls
from .summary import Snapshot, changed_variables, take_snapshot
from .tracebacks import Failure, cell_name, describe_failure
from .workspace import Workspace

T = TypeVar("T")

_EMPTY_LINES = re.compile(r"(?:[^\S\n]*\n)+")


class CellCompiler(CachingCompiler):
    """Compiles cells under names of our own, so that an error's frames can be told apart."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    @property
    def current(self) -> str:
        """The file name of the latest cell."""
        return cell_name(self._count)

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """Name the next cell."""
        self._count += 1
        return self.current


class EchoHook(ZMQShellDisplayHook):
    """Shows the last expression, bounded, and keeps it in ``_`` alone: a history would keep every value alive."""

    shell: Any

    def update_user_ns(self, result: Any) -> None:
        """Remember the value as ``_``."""
        self.shell.user_ns["_"] = result

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        """Send the value's forms, without what is too large."""
        super().write_format_data(fit_bundle(format_dict)[0], md_dict)


class CellExit(IPyAutocall):
    """``exit`` and ``quit``: end the cell."""

    rewrite = False

    def __call__(self, code: object = None) -> None:
        """End the cell."""
        raise SystemExit(code)

    def __repr__(self) -> str:
        return "exit() ends the cell; the REPL goes on"


class Shell(ZMQInteractiveShell):
    """IPython's shell as the REPL kernel needs it. Runs in the main thread, one cell at a time."""

    display_pub_class = Type(CappedDisplays)
    displayhook_class = Type(EchoHook)

    # IPython's own attributes, which it declares less closely than we use them.
    compile: Any
    display_formatter: Any
    display_pub: Any
    displayhook: Any

    def __init__(self, **settings: Any) -> None:
        self.reads = ReadLog()
        self.interpreter = Interpreter()
        self.workspace = Workspace(self._make_helpers(), self.reads)
        self._notices: list[str] = []
        self._before: Snapshot = {}
        self._error_line: int | None = None
        self._running = False
        self._cell_context = contextvars.copy_context()
        self._last_traceback: list[str] = []
        if hasattr(interactiveshell, "PickleShareDB"):  # older IPython opens a database on disk right away
            interactiveshell.PickleShareDB = lambda root: {}
        super().__init__(**settings)
        self.db = {}

    # -- setting up ---------------------------------------------------------------------------------------------

    def init_ipython_dir(self, ipython_dir: str | None) -> None:
        """Use none: the owner's settings and files are not for cells."""

    def init_user_ns(self) -> None:
        """Fill the namespace, at the start and after ``%reset``."""
        super().init_user_ns()
        self.user_ns["exit"] = self.user_ns["quit"] = CellExit(self)
        self.workspace.fill(self.user_ns)

    def init_display_formatter(self) -> None:
        """Bound the text of values."""
        super().init_display_formatter()
        self.display_formatter.formatters["text/plain"] = BoundedText(parent=self.display_formatter)

    def _make_helpers(self) -> dict[str, Any]:
        # What is not there yet is looked up when a helper is called.
        def channel() -> CallChannel:
            found: CallChannel = self.kernel.channel()
            return found

        return {
            "search": make_search(self.reads, lambda: self.workspace.texts),
            "peek": make_peek(self.reads),
            **make_sub_calls(channel, self.reads),
            **make_finals(
                channel,
                self.reads,
                lambda name: self.user_ns[name],
                lambda data: self.as_cell(self.display_pub.publish, data),
            ),
        }

    def as_cell(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function so that it knows which cell it works for, in whatever thread.

        ipykernel 7.0 keeps that in context variables that threads don't inherit.
        """
        if threading.current_thread() is threading.main_thread():
            return function(*arguments)
        return self._cell_context.copy().run(function, *arguments)

    # -- one cell -----------------------------------------------------------------------------------------------

    def start_cell(self) -> None:
        """Prepare for a cell."""
        self._notices = []
        self._error_line = None
        self._cell_context = contextvars.copy_context()
        METER.start_cell()
        self.display_pub.start_cell()
        self.interpreter.start_cell()
        self._before = self._take_snapshot()

    def end_cell(self) -> CellReport:
        """Put back what the cell replaced, and describe what it left."""
        replaced = self.interpreter.end_cell()
        self._close_output()
        restored = self.workspace.restore(self.user_ns)
        variables = changed_variables(self.user_ns, self._before, self._take_snapshot())
        notices = [*self._notices, *restored, *(f"the builtin {name} was replaced and put back" for name in replaced)]
        return CellReport(variables=variables, notices=notices, reads=self.reads.as_wire(), error_line=self._error_line)

    def _take_snapshot(self) -> Snapshot:
        try:
            return take_snapshot(self.user_ns, self.workspace.is_own)
        except BaseException as error:  # the keys of a namespace may be odd too; the reply must not be lost over it
            self._notices.append(f"the variables can't be listed ({name_of_type(error)})")
            return {}

    def _close_output(self) -> None:
        for stream in CappedStream.made:
            stream.drain()
        cut, late = METER.end_cell(watch_threads=self.workspace.seeded)
        if cut:
            CappedStream.made[0].write_beyond(f"\n[output cut: {cut:,} more characters]\n")
        if late:
            self._notices.append(f"a thread of an earlier cell printed {late:,} characters; they were dropped")
        if self.display_pub.dropped:
            self._notices.append(f"{self.display_pub.dropped:,} displays were left out; the cell showed too much")

    def transform_cell(self, raw_cell: str) -> str:
        """Turn IPython's syntax into Python, keeping every line where it was."""
        empty = _EMPTY_LINES.match(raw_cell)  # IPython would drop them
        lines = empty[0].count("\n") if empty is not None else 0
        return "\n" * lines + str(super().transform_cell(raw_cell))

    def transform_ast(self, node: Any) -> Any:
        """Refuse cells that bind protected names, then let IPython's transformers at the rest."""
        try:
            check_names(node)
        except RecursionError:
            self._notices.append("the cell is nested too deeply to be checked for read-only names")
        return super().transform_ast(node)

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Run one statement of a cell; True if the cell ends there."""
        outer, self._running = self._running, True
        noted = self.interpreter.note_builtins()
        try:
            try:
                if async_:
                    await eval(code_obj, self.user_global_ns, self.user_ns)  # noqa: S307  (this is what a REPL does)
                else:
                    exec(code_obj, self.user_global_ns, self.user_ns)  # noqa: S102  (as above)
            finally:
                self.interpreter.restore_builtins(noted)
                self._running = outer
        except (AnswerGiven, SystemExit) as end:
            self._note_end(end)
            return True
        except BaseException as error:  # nothing a cell raises may end the kernel
            if isinstance(error, asyncio.CancelledError):
                error = KeyboardInterrupt("the cell was interrupted").with_traceback(error.__traceback__)
            failure = self._report_failure(error)
            if result is not None:
                result.error_in_exec = _stand_in(failure)
            return True
        return False

    def _note_end(self, end: AnswerGiven | SystemExit) -> None:
        if isinstance(end, SystemExit):
            self._notices.append(_exit_notice(end.code))

    def payloadpage_page(self, strg: Any, start: int = 0, screen_lines: int = 0, pager_cmd: Any = None) -> None:
        """Print what ``name?`` asks for: there is no pager."""
        text = strg.get("text/plain", "") if isinstance(strg, dict) else strg
        print(text)  # noqa: T201  (output of the cell)

    # -- errors -------------------------------------------------------------------------------------------------

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Report the exception at hand, or the one given."""
        error = exc_tuple[1] if exc_tuple is not None else sys.exc_info()[1]
        if error is None:
            print("there was no error", file=sys.stderr)  # noqa: T201  (%tb asked)
        elif isinstance(error, AnswerGiven | SystemExit):
            self._note_end(error)  # out of a magic such as %%time
        elif self._running:  # a formatter or a magic shows an error of its own, and the cell goes on
            print("\n".join(describe_failure(error, self.compile.current).lines), file=sys.stderr)  # noqa: T201
        else:
            self._report_failure(error)

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        """Report a cell that does not parse."""
        self.showtraceback()

    def showindentationerror(self) -> None:
        """Report a cell whose indentation is wrong."""
        self.showtraceback()

    def _format_exception_for_storage(self, exception: BaseException, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What IPython's history keeps of an error: what was reported, as formatting it again is slow."""
        return {"ename": type(exception).__name__, "evalue": "", "traceback": self._last_traceback}

    def _report_failure(self, error: BaseException) -> Failure:
        bare = issubclass(type(error), InputRejected | UsageError)
        try:
            failure = describe_failure(error, self.compile.current, bare=bare)
        except BaseException as broken:  # an exception's attributes may be code of the cell's
            name = name_of_type(error)
            text = f"{name} (it can't be described: {name_of_type(broken)})"
            failure = Failure(name, text, (text,), None)
        self._error_line = failure.line
        self._last_traceback = list(failure.lines)
        flush_streams()
        hook = self.displayhook
        hook.session.send(
            hook.pub_socket,
            "error",
            {"traceback": self._last_traceback, "ename": failure.name, "evalue": failure.message},
            hook.parent_header,
            ident=hook.topic.replace(b"execute_result", b"error") if hook.topic else None,
        )
        return failure


def _stand_in(failure: Failure) -> Exception:
    """An exception of the same name and message without its frames, which would keep the cell's values alive."""
    made: Exception = type(failure.name, (Exception,), {})(failure.message)
    return made


def _exit_notice(code: object) -> str:
    given = repr(code)[:200] if isinstance(code, str | int) else ""
    return f"the cell ended early at exit({given}); the REPL goes on"
