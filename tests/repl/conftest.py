"""One real kernel for the tests that leave it well, fresh ones for those that don't."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minrlm_nb.repl.pool import close_all
from minrlm_nb.repl.session import ReplSession

from .driving import Driven, NewRepl


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlives_the_tests() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="session")
def shared_repl() -> Iterator[Driven]:
    """A kernel that stays up; `repl` seeds it for each test."""
    driven = Driven(ReplSession())
    yield driven
    driven.session.close()


@pytest.fixture
def repl(shared_repl: Driven) -> Driven:
    """The shared kernel, seeded with ``input_0 = "the input"``."""
    shared_repl.start("the task", "the input")
    return shared_repl


@pytest.fixture
def new_repl() -> Iterator[NewRepl]:
    """Makes kernels of the test's own, closed with it."""
    made: list[Driven] = []

    def make(task: str = "the task", context: object = "the input", **options: object) -> Driven:
        driven = Driven(ReplSession(**options))  # type: ignore[arg-type]
        made.append(driven)
        driven.start(task, context)
        return driven

    yield make
    for driven in made:
        driven.session.close()
