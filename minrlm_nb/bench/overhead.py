"""``python -m minrlm_nb.bench.overhead``: what a run costs beyond the model, as medians of five.

The model is a scripted OpenAI-compatible server in a process of its own that replies at once (sub-calls after
50 ms), so what is timed is ours and the SDK's: HTTP, prompt, kernel, cells, trace. The cells
themselves do next to nothing.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api import RLM
from ..core.ports import Cancel, InputText
from ..core.records import InputFacts, Message, ModelRequest
from ..isolation import achieve
from ..models.resolve import resolve
from ..repl.pool import close_all, shared_pool
from ..repl.session import ReplSession
from ..result import RunResult
from ..testing import ScriptedServer, server_process

RUNS = 5
SUB_LATENCY_S = 0.05
SUB_CALLS = 20
LINE = "2026-11-22 12:00:00 INFO worker 7 finished job 1234 in 56 ms\n"

LENGTH = "```python\nFINAL(len(input_0))\n```"
PRINT_2_KB = "```python\nprint('x' * 2000)\n```"
SIX_STEPS = [*["```python\nn = len(input_0)\nprint(n)\n```"] * 5, LENGTH]
SIX_STEPS_2_KB = [*[PRINT_2_KB] * 5, LENGTH]
SEQUENCE = f"```python\nr = [sub_llm('q', str(i)) for i in range({SUB_CALLS})]\nFINAL(len(input_0) and len(r))\n```"
BATCH = (
    f"```python\nr = sub_llm_batch([('q', str(i)) for i in range({SUB_CALLS})])\nFINAL(len(input_0) and len(r))\n```"
)


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    what: str
    value: str
    aim: str = ""


def text_of(size: int) -> str:
    """A log of about that many characters."""
    return LINE * (size // len(LINE) + 1)


def median_ms(work: Callable[[], float], runs: int = RUNS) -> float:
    """Median of what ``work`` returns in seconds, in milliseconds, after one call that does not count."""
    work()
    return statistics.median(work() for _ in range(runs)) * 1e3


@contextmanager
def runner(replies: list[str], folder: Path, **options: Any) -> Iterator[RLM]:
    """An `RLM` that asks a scripted server in another process."""
    script = {"replies": replies, "cycle": True, "answer_sub_calls": "ok", "sub_latency_s": SUB_LATENCY_S}
    with (
        server_process(**script) as url,
        RLM("scripted", url, "none", trace_dir=folder, **options) as rlm,
    ):
        yield rlm


def timed_run(rlm: RLM, text: str) -> float:
    """Seconds of one run on a warm kernel."""
    warm_kernel()
    began = time.perf_counter()
    result = rlm.completion("How many lines?", text)
    seconds = time.perf_counter() - began
    _expect_answer(result)
    return seconds


def warm_kernel() -> None:
    """Have a kernel ready in the pool."""
    level = achieve("auto")
    shared_pool().warm(level)
    shared_pool().wait(level)


def median_run_ms(rlm: RLM, text: str) -> float:
    """Median of whole runs on a warm kernel."""
    return median_ms(lambda: timed_run(rlm, text))


def runs_by_size(folder: Path) -> Iterator[Figure]:
    """One step at three sizes, and six steps."""
    with runner([LENGTH], folder) as rlm:
        for name, size, aim in (("7 kB", 7_000, "35 ms"), ("7 MB", 7_000_000, ""), ("70 MB", 70_000_000, "350 ms")):
            text = text_of(size)
            yield Figure(f"one step, {name}, pooled kernel", f"{median_run_ms(rlm, text):.1f} ms", aim)
    with runner(SIX_STEPS, folder) as rlm:
        text = text_of(7_000_000)
        yield Figure("six steps, 7 MB, pooled kernel", f"{median_run_ms(rlm, text):.1f} ms", "75 ms")
    with runner([LENGTH], folder) as one, runner(SIX_STEPS, folder) as six:
        text = text_of(7_000)
        first = median_run_ms(one, text)
        sixth = median_run_ms(six, text)
        yield Figure("a further step (reply, cell, trace), 7 kB", f"{(sixth - first) / 5:.1f} ms")


def sub_calls(folder: Path) -> Iterator[Figure]:
    """Twenty sub-calls of 50 ms each, in sequence and in batches."""
    for name, code, concurrency, aim in (
        ("in sequence", SEQUENCE, 8, ""),
        ("in a batch, 8 at once (floor 150 ms)", BATCH, 8, ""),
        ("in a batch, 20 at once (floor 50 ms)", BATCH, 20, "105 ms"),
    ):
        with runner([code], folder, sub_concurrency=concurrency) as rlm, runner([LENGTH], folder) as bare:
            text = text_of(7_000)
            cost = median_run_ms(rlm, text) - median_run_ms(bare, text)
            yield Figure(f"{SUB_CALLS} sub-calls {name}", f"{cost:.1f} ms", aim)


def one_sub_call(folder: Path) -> Iterator[Figure]:
    """What a sub-call from a cell costs beyond the same call by the adapter."""
    count = 100
    code = (
        "import time\nt = time.perf_counter()\n"
        f"for i in range({count}): sub_llm('q', str(i))\n"
        f"FINAL((time.perf_counter() - t) / {count})"
    )
    script = {"replies": [f"```python\n{code}\n```"], "cycle": True, "answer_sub_calls": "ok"}
    with server_process(**script) as url:
        model = resolve("scripted", url).model
        request = ModelRequest((Message("user", "q\n\nText:\n1"),))

        def direct() -> float:
            began = time.perf_counter()
            for _ in range(count):
                model.ask(request, Cancel())
            return (time.perf_counter() - began) / count

        with RLM(model, trace_dir=folder) as rlm:
            through = median_ms(lambda: float(rlm.completion("How fast?").answer))
        bare = median_ms(direct)
        model.close()
    yield Figure("a call by the adapter alone", f"{bare:.2f} ms")
    yield Figure("a sub-call beyond the adapter's call", f"{through - bare:.2f} ms", "0.3 ms")


def kernels() -> Iterator[Figure]:
    """Starts and round trips of the kernel alone."""

    def start(warm: bool, text: str = text_of(7_000)) -> float:
        close_all()
        if warm:
            warm_kernel()
        session = ReplSession()
        began = time.perf_counter()
        session.start("?", [_input(text)], _no_calls)
        seconds = time.perf_counter() - began
        session.close()
        return seconds

    yield Figure("kernel, cold start and 7 kB seeded", f"{median_ms(lambda: start(False)):.0f} ms")
    yield Figure("kernel, pooled start and 7 kB seeded", f"{median_ms(lambda: start(True)):.1f} ms")
    big = text_of(100_000_000)
    yield Figure("100 MB input into a pooled kernel", f"{median_ms(lambda: start(True, big)):.0f} ms", "250 ms")
    session = ReplSession()
    session.start("?", [], _no_calls)

    def cell() -> float:
        began = time.perf_counter()
        session.execute("x = 1", 10, Cancel())
        return time.perf_counter() - began

    yield Figure("a further cell", f"{median_ms(cell, 50):.1f} ms", "5 ms")
    session.close()


def prompt_bytes() -> Iterator[Figure]:
    """Bytes of the requests, as they arrive at the server."""
    with ScriptedServer(SIX_STEPS_2_KB) as server, RLM("scripted", server.base_url, trace_dir=None) as rlm:
        rlm.completion("How many lines?", text_of(7_000_000))
        sizes = [received.body_bytes for received in server.requests if received.path.endswith("/chat/completions")]
    yield Figure("first request", f"{sizes[0]:,} bytes", "4 kB")
    yield Figure("six steps of 2 kB output each, all requests", f"{sum(sizes):,} bytes", "")


def memory() -> Iterator[Figure]:
    """Peak memory after everything above."""
    for name, who in (("this process", resource.RUSAGE_SELF), ("the largest kernel", resource.RUSAGE_CHILDREN)):
        yield Figure(f"peak RSS of {name}", f"{resource.getrusage(who).ru_maxrss / 1024:.0f} MiB")


def main() -> None:
    """Print every figure."""
    argparse.ArgumentParser(prog="python -m minrlm_nb.bench.overhead", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        traces = Path(folder)
        for part in (
            kernels(),
            prompt_bytes(),
            runs_by_size(traces),
            sub_calls(traces),
            one_sub_call(traces),
            memory(),
        ):
            for figure in part:
                aim = f"  (aim: {figure.aim})" if figure.aim else ""
                print(f"{figure.what:<52} {figure.value:>14}{aim}", flush=True)
    close_all()


def _expect_answer(result: RunResult) -> None:
    if result.record.answer is None:
        raise SystemExit(f"a measured run gave no answer: {result.error or result.stop_reason}")


def _input(text: str) -> InputText:
    return InputText(text, InputFacts("input_0", "bench", "log", len(text), text.count("\n")))


def _no_calls(request: Any, cancel: Cancel) -> Any:
    return {"ok": False, "kind": "refused", "error": "no calls here"}


if __name__ == "__main__":
    main()
