"""Run a notebook of this folder and show what its questions were answered: ``python notebooks/run.py quickstart``.

The executed notebook is left in ``artefacts/``; the one here stays as it is. Exit status 1 when a cell failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Execute one notebook, print the task and the outcome of each ``%%rlm`` cell and the output of the last cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="name of a notebook in this folder, without .ipynb")
    name = parser.parse_args().name
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(HERE)}},
        on_cell_executed=lambda cell, cell_index, execute_reply: show(cell),
    )
    began = time.monotonic()
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        target = HERE.parent / "artefacts" / f"{name}.ipynb"
        target.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, target)
    print(f"{time.monotonic() - began:.0f} s; the executed notebook is {target.relative_to(HERE.parent)}")
    return 0


def show(cell: nbformat.NotebookNode) -> None:
    """Print a question and what came of it; other cells print what they print."""
    if cell.cell_type != "code":
        return
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    if cell.source.startswith("%%rlm"):
        print(f"\n{cell.source}\n")
    if shown := "\n".join(text.rstrip() for text in texts if text):
        print(shown, flush=True)


if __name__ == "__main__":
    sys.exit(main())
