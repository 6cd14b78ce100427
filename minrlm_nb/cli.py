"""The command line: ``minrlm-nb run`` and ``minrlm-nb model``."""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .core.events import Event, Listener, Notice
from .engine import explain
from .errors import ConfigError, InputError, KernelError, ModelError
from .options import OPTIONS, chosen
from .result import RunResult

ANSWERED, USAGE, NOT_ANSWERED, FAILED = 0, 2, 3, 4
"""Exit codes; 2 is argparse's own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.command(args))
    except (ConfigError, InputError) as error:
        print(f"minrlm-nb: {error}", file=sys.stderr)
        return USAGE
    except (ModelError, KernelError) as error:
        print(f"minrlm-nb: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("minrlm-nb: stopped", file=sys.stderr)
        return NOT_ANSWERED
    except BrokenPipeError:  # whoever read our output has gone; nothing is left to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="minrlm-nb", description="Recursive Language Models over your data.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="answer a question about some data",
        description="Print the answer, and only the answer, on stdout. Exit status: 0 answered, 2 usage, "
        "3 not answered, 4 model or kernel error.",
    )
    run.add_argument("task", metavar="TASK", help="the question")
    run.add_argument("inputs", metavar="INPUT", nargs="*", help="a file, a glob, or - for standard input")
    for option in OPTIONS:
        run.add_argument(*option.flags, **option.keywords)
    run.add_argument("-s", "--steps", action="store_true", help="show each step on stderr")
    run.add_argument("--json", action="store_true", help="print answer, stop reason, usage and steps as JSON")
    trace = run.add_mutually_exclusive_group()
    trace.add_argument("--trace", metavar="PATH", type=Path, help="file of the trace (default: one in rlm_traces/)")
    trace.add_argument("--no-trace", action="store_true", help="save no trace")
    run.set_defaults(command=_run)
    from .models.local import cli as local

    local.add_parser(commands).set_defaults(command=local.run)
    return parser


def _run(args: argparse.Namespace) -> int:
    from .api import DEFAULT_TRACE_DIR, RLM

    context, labels = _read_inputs(args.inputs)
    listeners: list[Listener] = []
    if args.steps:
        from .view.terminal import StepPrinter

        listeners.append(StepPrinter(sys.stderr))
    else:
        listeners.append(_print_notice)
    with RLM(**chosen(args), trace_dir=None if args.no_trace else DEFAULT_TRACE_DIR) as rlm:
        running, conversation = rlm.prepare(
            args.task, context, labels=labels, listeners=listeners, trace_path=args.trace, pooled=False
        )
        try:
            result = running.start().wait()
        finally:
            conversation.close()
    if args.json:
        print(json.dumps(_summary(result), ensure_ascii=False, indent=1, default=str))
    elif result.record.answer is not None:
        print(result.text)
    if why := explain(result.record):
        print(f"minrlm-nb: {why}", file=sys.stderr)
    if result.record.answer is not None:
        return ANSWERED
    return FAILED if result.stop_reason in ("model_error", "kernel_error") else NOT_ANSWERED


def _print_notice(event: Event) -> None:
    if isinstance(event, Notice):
        print(f"minrlm-nb: {event.text}", file=sys.stderr)


def _read_inputs(names: Sequence[str]) -> tuple[object, list[str] | None]:
    found: list[object] = []
    labels: list[str] = []
    for name in names:
        if name == "-":
            found.append(sys.stdin.buffer.read())
            labels.append("stdin")
            continue
        paths = [name] if Path(name).exists() else sorted(glob.glob(os.path.expanduser(name), recursive=True))
        if not paths:
            raise InputError(f"no file matches {name!r}; check the path, or pipe the text in and give -")
        found.extend(Path(path) for path in paths)
        labels.extend(paths)
    return (found, labels) if found else ("", None)


def _summary(result: RunResult) -> dict[str, Any]:
    return {
        "answer": result.answer,
        "stop_reason": result.stop_reason,
        "error": result.error,
        "usage": asdict(result.usage),
        "duration_s": round(result.duration_s, 3),
        "isolation": result.isolation,
        "model": result.record.model,
        "trace": None if result.path is None else str(result.path),
        "steps": [
            {
                "code": step.code,
                "reasoning": step.reasoning,
                "output": "" if step.result is None else "".join(output.text for output in step.result.outputs),
                "error": None if step.result is None or step.result.error is None else asdict(step.result.error),
                "sub_calls": len(step.sub_calls),
            }
            for step in result.steps
        ],
    }
