"""A whole run with the embedded model: real weights, a real server, a real kernel."""

from __future__ import annotations

import pytest

from minrlm_nb import RLM, load_trace

LOG = "".join(
    f"12:{n % 60:02d} worker-{n % 3} {'ERROR disk full' if n % 5 == 0 else 'INFO done'}\n" for n in range(500)
)


@pytest.mark.embedded
@pytest.mark.timeout(300)
def test_the_small_model_writes_a_cell_that_runs_to_an_end() -> None:
    with RLM("local:0.5b", max_steps=4) as rlm:
        result = rlm.completion("How many lines contain ERROR?", LOG)
    assert result.stop_reason in ("answered", "max_steps"), result.error
    ran = [step.result for step in result.steps if step.result is not None]
    assert ran
    assert "input_0" in result.steps[0].code
    assert result.usage.completion_tokens > 0
    assert result.usage.cost_usd == 0
    assert result.path is not None
    assert load_trace(result.path) == result
