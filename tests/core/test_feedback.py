"""What the model is told after a cell."""

from __future__ import annotations

from minrlm_nb.core.feedback import MOST_OUTPUT_CHARS, cell_feedback, shorten
from minrlm_nb.core.records import CellError, CellResult, Output, Variable


def test_a_long_text_keeps_both_ends_and_says_what_is_missing() -> None:
    assert shorten("short", 10) == "short"
    text = shorten("a" * 50 + "b" * 50, 30)
    assert text.startswith("a" * 20 + "\n")
    assert text.endswith("\n" + "b" * 10)
    assert "70 characters cut" in text


def test_outputs_variables_notices_and_warnings_are_told() -> None:
    result = CellResult(
        "ok",
        (Output("stdout", {"text/plain": "12\n"}), Output("display", {"text/plain": "", "image/png": "…"})),
        variables=(Variable("n", "int", None, "12"), Variable("rows", "list", 3000)),
        notices=("search was put back",),
    )
    told = cell_feedback(result, ["2 steps left."])
    assert told == (
        "Output:\n12\n[a picture, shown to the person]\nVariables: n = 12, rows: list[3,000]\n"
        "search was put back\n2 steps left."
    )


def test_a_silent_cell_and_a_failed_one_say_so() -> None:
    assert "showed nothing" in cell_feedback(CellResult("ok"))
    failed = CellResult("error", error=CellError("NameError", "name 'x' is not defined", "", 2))
    assert cell_feedback(failed) == "Error (line 2): NameError: name 'x' is not defined"


def test_a_flood_is_cut_for_the_model() -> None:
    told = cell_feedback(CellResult("ok", (Output("stdout", {"text/plain": "x" * 50_000}),)))
    assert len(told) < MOST_OUTPUT_CHARS + 200
