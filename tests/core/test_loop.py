"""The loop alone, fed with outcomes: no model, no kernel, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from minrlm_nb.core.config import RunConfig
from minrlm_nb.core.events import Notice
from minrlm_nb.core.limits import Spent
from minrlm_nb.core.loop import AskModel, End, NoReply, Outcome, Ran, Replied, Request, RunCell, StepDone, run_loop
from minrlm_nb.core.prompts import Brief, style_for
from minrlm_nb.core.records import Answer, CellError, CellResult, ModelReply, Output, Step, Usage

STYLE = style_for("frontier")
OPENING = STYLE.opening("How many?", Brief("input_0: text"))
LOOK = "```python\nprint(len(input_0))\n```"
FINAL = "```python\nFINAL(42)\n```"


class Player:
    """Plays model and kernel: replies in order, then their cells' outcomes."""

    def __init__(
        self, replies: Sequence[str | ModelReply | NoReply], spent: Callable[[int], Spent] = lambda asked: Spent()
    ) -> None:
        self.replies = list(replies)
        self.spent = spent
        self.requests: list[Request] = []
        self.steps: list[Step] = []
        self.results: dict[str, Ran] = {}

    def play(self, config: RunConfig) -> End:
        loop = run_loop(config, STYLE, OPENING)
        outcome: Outcome = None
        while True:
            try:
                request = loop.send(outcome)
            except StopIteration as stop:
                end: End = stop.value
                return end
            self.requests.append(request)
            outcome = self.outcome(request)

    def outcome(self, request: Request) -> Outcome:
        spent = self.spent(len(self.asked))
        if isinstance(request, AskModel):
            reply = self.replies.pop(0)
            if isinstance(reply, NoReply):
                return reply
            return Replied(reply if isinstance(reply, ModelReply) else ModelReply(reply), spent)
        if isinstance(request, RunCell):
            if request.code in self.results:
                return self.results[request.code]
            if "FINAL(42)" in request.code:
                return Ran(CellResult("ok"), spent, Answer(42))
            return Ran(CellResult("ok", (Output("stdout", {"text/plain": "1234\n"}),)), spent)
        if isinstance(request, StepDone):
            self.steps.append(request.step)
        return None

    @property
    def asked(self) -> list[AskModel]:
        return [r for r in self.requests if isinstance(r, AskModel)]

    def last_words(self) -> str:
        return self.asked[-1].messages[-1].content


def test_a_run_goes_from_look_to_answer() -> None:
    player = Player([LOOK, FINAL])
    end = player.play(RunConfig())
    assert (end.stop_reason, end.answer) == ("answered", Answer(42))
    assert "1234" in player.last_words()
    assert [s.code for s in player.steps] == ["print(len(input_0))", "FINAL(42)"]


def test_the_history_is_append_only() -> None:
    player = Player([LOOK, "no code", LOOK, FINAL])
    end = player.play(RunConfig())
    for earlier, later in zip(player.asked, player.asked[1:], strict=False):
        assert later.messages[: len(earlier.messages)] == earlier.messages
    assert end.messages[: len(OPENING)] == OPENING


def test_the_last_step_is_announced_and_is_the_end() -> None:
    player = Player([LOOK, LOOK, LOOK])
    end = player.play(RunConfig(max_steps=3))
    assert (end.stop_reason, end.answer) == ("max_steps", None)
    assert "last step" in player.last_words()
    assert len(player.asked) == 3


def test_prose_is_asked_for_a_cell_once_it_costs_a_step() -> None:
    player = Player(["The answer is FINAL(42).", FINAL])
    assert player.play(RunConfig()).answer == Answer(42)
    assert "No code ran" in player.last_words()
    assert player.steps[0].code == ""
    assert player.steps[0].result is None


@pytest.mark.parametrize("limit", ["time", "tokens", "cost", "sub_calls"])
def test_a_limit_gives_one_last_turn(limit: str) -> None:
    over = {
        "time": Spent(elapsed_s=11),
        "tokens": Spent(usage=Usage(900, 200)),
        "cost": Spent(usage=Usage(cost_usd=2.0)),
        "sub_calls": Spent(refused=1),
    }[limit]
    config = RunConfig(max_time_s=10, max_tokens=1000, max_cost_usd=1)
    for last_reply, answer in ((FINAL, Answer(42)), (LOOK, None), ("words", None)):
        player = Player([LOOK, last_reply, "never asked"], lambda asked: over)
        end = player.play(config)
        assert (end.stop_reason, end.answer) == (limit, answer)
        assert "last turn" in player.last_words()
        assert player.asked[-1].limit == limit
        assert any(isinstance(r, Notice) for r in player.requests)


def test_a_limit_reached_by_the_step_that_answers_does_not_matter() -> None:
    player = Player([FINAL], lambda asked: Spent(elapsed_s=11))
    assert player.play(RunConfig(max_time_s=10)).stop_reason == "answered"


def test_no_last_turn_when_time_ran_out_before_anything_ran() -> None:
    player = Player([NoReply("time", Spent(elapsed_s=11))])
    assert player.play(RunConfig(max_time_s=10)).stop_reason == "time"
    assert len(player.asked) == 1


def test_a_last_turn_when_time_ran_out_while_the_model_wrote() -> None:
    player = Player([LOOK, NoReply("time", Spent(elapsed_s=11)), FINAL])
    end = player.play(RunConfig(max_time_s=10))
    assert (end.stop_reason, end.answer) == ("time", Answer(42))


def test_time_that_runs_out_twice_ends_the_run() -> None:
    late = NoReply("time", Spent(elapsed_s=11))
    player = Player([LOOK, late, late])
    end = player.play(RunConfig(max_time_s=10))
    assert (end.stop_reason, end.answer) == ("time", None)


@pytest.mark.parametrize("reason", ["stopped", "model_error"])
def test_a_stop_or_a_model_error_ends_the_run_with_its_message(reason: str) -> None:
    player = Player([LOOK, NoReply("model_error" if reason == "model_error" else "stopped", Spent(), "it broke")])
    end = player.play(RunConfig())
    assert (end.stop_reason, end.error) == (reason, "it broke")


def test_a_cut_reply_is_asked_to_go_on_within_the_same_step() -> None:
    player = Player([ModelReply("```python\nFINAL(", finish_reason="length"), ModelReply("42)\n```")])
    end = player.play(RunConfig())
    assert end.answer == Answer(42)
    assert "cut off" in player.last_words()
    assert [s.number for s in player.steps] == [1]
    assert player.steps[0].reply == "```python\nFINAL(42)\n```"


def test_an_endlessly_cut_reply_runs_as_it_is() -> None:
    cut = ModelReply("```python\nx = 1\n", finish_reason="length")
    more = ModelReply("x = 2\n", finish_reason="length")
    player = Player([cut, more, more, FINAL])
    assert player.play(RunConfig()).answer == Answer(42)
    assert player.steps[0].code == "x = 1\nx = 2\nx = 2"


def test_an_error_goes_back_to_the_model_with_its_line() -> None:
    player = Player([LOOK, FINAL])
    failed = CellResult("error", error=CellError("NameError", "name 'y' is not defined", "Traceback …", 3))
    player.results["print(len(input_0))"] = Ran(failed, Spent())
    player.play(RunConfig())
    assert "line 3" in player.last_words()
    assert "Traceback" in player.last_words()


def test_usage_of_a_continued_reply_is_summed() -> None:
    first = ModelReply("```python\nFINAL(", finish_reason="length", usage=Usage(10, 5, cost_usd=0.1), duration_s=1)
    player = Player([first, ModelReply("42)\n```", usage=Usage(20, 2, cost_usd=0.2), duration_s=2)])
    player.play(RunConfig())
    assert player.steps[0].usage.total_tokens == 37
    assert player.steps[0].model_s == 3
