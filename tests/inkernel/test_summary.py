"""Which variables a cell is said to have made."""

from __future__ import annotations

import math
import os.path
from typing import Any

from minrlm_nb.inkernel.summary import MOST_VARIABLES, changed_variables, take_snapshot


def not_ours(name: str, value: Any) -> bool:
    return False


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    told = changed_variables(after, take_snapshot(before, not_ours), take_snapshot(after, not_ours))
    return [variable["name"] for variable in told]


def test_new_replaced_and_grown_variables_are_told() -> None:
    items, same = [1], [2]
    before = take_snapshot({"items": items, "same": same, "n": 1, "gone": 1}, not_ours)
    items.append(2)
    namespace = {"items": items, "same": same, "n": 2, "fresh": "x"}
    told = changed_variables(namespace, before, take_snapshot(namespace, not_ours))
    assert [variable["name"] for variable in told] == ["items", "n", "fresh"]


def test_imports_private_names_and_the_shells_own_are_not_told() -> None:
    after = {"math": math, "sqrt": math.sqrt, "join": os.path.join, "Path": dict, "_x": 1, "In": [], "exit": 1, "x": 1}
    assert changes({}, after) == ["x"]


def test_functions_and_classes_of_cells_are_told() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("def f(): pass\nclass A: pass\ng = lambda: 1", namespace)
    told = changed_variables(namespace, {}, take_snapshot(namespace, not_ours))
    assert [(variable["name"], variable["type"], variable["size"]) for variable in told] == [
        ("f", "function", -1),
        ("A", "class", -1),
        ("g", "function", -1),
    ]


def test_the_kernels_own_are_not_told() -> None:
    assert take_snapshot({"input_0": "x", "mine": 1}, lambda name, value: name == "input_0").keys() == {"mine"}


def test_the_list_has_an_end() -> None:
    assert len(changes({}, {f"v{n}": n for n in range(100)})) == MOST_VARIABLES


def test_names_that_are_no_text_are_skipped() -> None:
    assert changes({}, {3: 1, "x": 2}) == ["x"]  # type: ignore[dict-item]
