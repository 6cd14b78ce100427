"""One real kernel for all tests here that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .live import LiveKernel

TEXT = "first line\r\nsecond line with an ERROR\nthird \ud800 and a NUL \0\n"


@pytest.fixture(scope="session")
def shared_kernel() -> Iterator[LiveKernel]:
    kernel = LiveKernel()
    yield kernel
    kernel.shut_down()


@pytest.fixture
def kernel(shared_kernel: LiveKernel) -> LiveKernel:
    """The shared kernel, seeded anew, its variables gone, no requests noted."""
    assert shared_kernel.run("%reset -f").status == "ok"
    assert shared_kernel.seed(TEXT, "another input") == {"status": "ok"}
    assert shared_kernel.driver is not None
    shared_kernel.driver.requests.clear()
    return shared_kernel
