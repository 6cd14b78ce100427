"""Renews the stored trace that `test_build` compares with: ``python -m tests.trace.mirror``."""

from minrlm_nb.trace.build import NotebookBuilder, TracedRun
from tests.records import finished_run
from tests.trace.test_build import MIRROR

if __name__ == "__main__":
    MIRROR.write_text(NotebookBuilder().text([TracedRun(finished_run())]), encoding="utf-8")
