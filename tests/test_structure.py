"""The directions of imports, what an import costs, and how large a file may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import minrlm_nb

PACKAGE = Path(minrlm_nb.__file__).parent
MOST_LINES = 350

MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "errors": set(),
    "core": {"wire", "errors"},
    "profile": {"wire", "errors"},
    "inkernel": {"wire"},
    "isolation": {"wire", "errors"},
    "repl": {"wire", "errors", "core", "profile", "isolation"},
    "models": {"wire", "errors", "core", "profile"},
    "trace": {"wire", "errors", "core", "profile"},
    "view": {"wire", "errors", "core", "profile"},
    "testing": {"wire", "errors", "core"},
    "engine": {"wire", "errors", "core"},
    "options": {"core"},
    "result": {"wire", "errors", "core", "trace"},
}
"""Parts that wire others together (api, magic, cli, bench) are not listed: they may import anything."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def parts_imported(path: Path) -> Iterator[str]:
    """The top-level parts of the package that a module imports, wherever in the file it does so."""
    package = ("minrlm_nb", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            names = [*base, *(node.module.split(".") if node.module else [])]
            for found in [names] if len(names) > 1 else [[*names, alias.name] for alias in node.names]:
                if found[0] == "minrlm_nb":
                    yield found[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("minrlm_nb."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_the_design_lets_it(part: str) -> None:
    for path in modules():
        relative = path.relative_to(PACKAGE)
        if relative.parts[0] == part or (relative.name == f"{part}.py" and len(relative.parts) == 1):
            wrong = set(parts_imported(path)) - MAY_IMPORT[part] - {part, "__version__"}
            assert not wrong, f"{relative} imports {sorted(wrong)}"


def test_openai_has_one_door() -> None:
    doors = {
        path.relative_to(PACKAGE).parts[0]
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "openai" and not node.level)
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "openai" for alias in node.names))
    }
    assert doors <= {"models", "api.py"}  # api.py names its types under TYPE_CHECKING


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("minrlm_nb", ["openai", "IPython", "ipywidgets", "nbformat", "jupyter_client", "numpy", "pandas", "zmq"]),
        ("minrlm_nb.inkernel.app", ["openai", "ipywidgets", "nbformat", "numpy", "pandas", "pydantic"]),
        ("minrlm_nb.api", ["openai", "ipywidgets", "numpy", "pandas", "genai_prices"]),
        ("minrlm_nb.cli", ["openai", "ipywidgets", "numpy", "pandas", "xllamacpp"]),
        ("minrlm_nb.core.loop", ["openai", "IPython", "nbformat", "jupyter_client", "zmq", "pydantic"]),
    ],
)
def test_an_import_stays_light(module: str, heavy: list[str]) -> None:
    script = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_outgrows_one_idea() -> None:
    long = {str(p.relative_to(PACKAGE)): n for p in modules() if (n := p.read_text().count("\n")) > MOST_LINES}
    assert not long


def test_every_folder_says_what_lives_there() -> None:
    for folder in {path.parent for path in modules()}:
        tree = ast.parse((folder / "__init__.py").read_text())
        assert ast.get_docstring(tree), f"{folder.name}/__init__.py has no docstring"


def test_the_public_names_are_the_promised_ones() -> None:
    assert set(minrlm_nb.__all__) == {"RLM", "RunResult", "load_trace", "heatmap", "__version__"}
    for name in minrlm_nb.__all__:
        assert getattr(minrlm_nb, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = minrlm_nb.nonsense
