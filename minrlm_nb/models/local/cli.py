"""``minrlm-nb model get|list|path|remove``: the embedded model's weights from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...errors import ModelFileError
from . import catalog, fetch, store

DONE, FAILED = 0, 4


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the ``model`` command to the subparsers of ``minrlm-nb``; returns its parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "model",
        help="fetch and manage the embedded model",
        description="The embedded model: small, free, and run on this machine without a key.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    names = [entry.name for entry in catalog.MODELS]

    get = actions.add_parser("get", help="fetch a model; goes on where an earlier fetch stopped")
    get.add_argument("--file", metavar="PATH", help="a copy you have; linked or copied once its hash is right")
    actions.add_parser("list", help="the models, and which are here")
    path = actions.add_parser("path", help="print where a model's file lies, its hash checked")
    remove = actions.add_parser("remove", help="delete a model and what is left of unfinished fetches")
    for action in (get, path, remove):
        action.add_argument(
            "name", nargs="?", type=str.lower, choices=names, default=names[0], help="default: %(default)s"
        )
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what ``args`` say; returns the exit code (0 done, 4 failed)."""
    try:
        if args.action == "get":
            _print(fetch.get(args.name, file=args.file))
        elif args.action == "path":
            _print(store.path(args.name))
        elif args.action == "remove":
            _print(f"{args.name}: removed" if fetch.remove(args.name) else f"{args.name}: nothing to remove")
        else:
            for status in store.list_models():
                entry = status.entry
                here = str(status.path) if status.installed else f"not here; minrlm-nb model get {entry.name}"
                _print(f"{entry.name}\t{entry.title}\t{entry.size / 1e9:.2f} GB\t{entry.licence}\t{here}")
            if own := store.own_file():
                _print(f"{store.OWN_FILE}\tMINRLM_GGUF\t\t\t{own}")
    except ModelFileError as error:
        sys.stderr.write(f"minrlm-nb: {error}\n")
        return FAILED
    return DONE


def _print(line: object) -> None:
    sys.stdout.write(f"{line}\n")
