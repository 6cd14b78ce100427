"""The environment a REPL kernel gets: a short list of names, so that no key or token can be among them."""

from __future__ import annotations

from collections.abc import Mapping

ALLOWED = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX",
        # what Python itself needs to start and to find packages as its owner does
        "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
        # how many threads numeric libraries may start
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
        # names the notebook a kernel was started for
        "JPY_SESSION_NAME",
    }
)  # fmt: skip
"""Names that pass; those that begin with ``LC_`` pass too."""


def minimal_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep only what a kernel needs to run."""
    return {name: value for name, value in environment.items() if name in ALLOWED or name.startswith("LC_")}
