import re
import threading

from minrlm_nb.core.events import (
    CellOutput,
    CellStarted,
    ModelDelta,
    Notice,
    RunStarted,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from minrlm_nb.core.records import Output
from minrlm_nb.view.progress import TAIL_LINES, Progress
from tests.page import Page
from tests.records import HOSTILE, events_of, finished_run, hostile_run, sub_call


def test_it_says_where_the_run_stands() -> None:
    now = [100.0]
    progress = Progress(lambda: now[0])
    assert progress.text() == "starting · starting · 0 ms"
    progress(RunStarted(finished_run()))
    now[0] += 2
    progress(StepStarted(1))
    assert progress.text() == "step 1 of 8 · asking the model · 2.00 s"
    progress(ModelDelta(1, "I count", reasoning=True))
    assert "the model reasons" in progress.text()
    progress(CellStarted(1, "count()"))
    progress(SubCallStarted(1, 1, "task", 10))
    progress(SubCallStarted(1, 2, "task", 10))
    progress(SubCallFinished(1, sub_call(1)))
    assert (
        progress.text()
        == "step 1 of 8 · running the cell · 1 sub-call under way, 1 back · 61 tokens · under $0.0001 · 2.00 s"
    )


def test_the_end_stops_the_clock_and_gives_the_whole_usage() -> None:
    now = [0.0]
    progress = Progress(lambda: now[0])
    for event in events_of(finished_run()):
        now[0] += 0.1
        progress(event)
    now[0] += 1_000
    assert progress.text().startswith("step 3 of 8 · answered · 3 sub-calls · 5,859 tokens · $0.0025 · 3.00 s")


def test_a_second_run_starts_afresh() -> None:
    progress = Progress(lambda: 0.0)
    for event in [*events_of(finished_run()), RunStarted(finished_run())]:
        progress(event)
    assert progress.text() == "starting · starting the kernel · 0 ms"


def test_the_last_lines_of_the_reply_are_shown() -> None:
    progress = Progress()
    progress(StepStarted(1))
    for i in range(50_000):
        progress(ModelDelta(1, f"line {i}\n"))
    tail = Page(progress.html()).text
    assert "line 49999" in tail
    assert len(re.findall(r"line \d+", tail)) == TAIL_LINES
    progress(StepStarted(2))
    assert "line" not in Page(progress.html()).text.replace("inline", "").split("}")[-1]


def test_pieces_of_a_stream_join_on_their_line() -> None:
    progress = Progress()
    progress(CellStarted(1, "work()"))
    for piece in ("10 %", " 20 %", " done\n"):
        progress(CellOutput(1, Output("stdout", {"text/plain": piece})))
    assert "work()\n10 % 20 % done" in Page(progress.html()).text


def test_nothing_hostile_acts_in_the_card() -> None:
    progress = Progress()
    events = [*events_of(hostile_run()), Notice(HOSTILE, "warning"), ModelDelta(1, HOSTILE)]
    for event in events:
        progress(event)
        html = progress.html()
        html.encode("utf-8")
        page = Page(html)
        assert page.names <= {"div", "span", "style", "pre"}
        assert page.attributes <= {"class", "role", "style"}
        assert not page.oddities
        styles = [attributes["style"] for _, attributes in page.elements if "style" in attributes]
        assert all(re.fullmatch(r"width:\d{1,3}%", style) for style in styles)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", html + progress.text())


def test_events_from_many_threads_are_all_counted() -> None:
    progress = Progress()
    progress(RunStarted(finished_run()))

    def work() -> None:
        for i in range(200):
            progress(SubCallStarted(1, i, "task", 0))
            progress(SubCallFinished(1, sub_call(i)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        progress.html()
    for thread in threads:
        thread.join()
    assert "1,600 sub-calls · 97,600 tokens" in progress.text()
    assert progress.changes == 3_201
