"""Downloads a file from a plain address, going on where an earlier try stopped."""

from __future__ import annotations

import errno
import http.client
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from .progress import Progress
from .unavailable import Unavailable

STALL_S = 20.0
"""Seconds without a byte until the connection is given up."""

TRIES = 3
"""Connections in a row that may break without having brought anything."""


def fetch_url(url: str, size: int, partial: Path, progress: Progress) -> Path:
    """Download ``size`` bytes into ``partial``; what is there already is not fetched again.

    Raises
    ------
    Unavailable
        If the address does not answer, does not have the file, or has one of another size.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise Unavailable("not an http or https address")
    partial.touch()
    fruitless = 0
    while (have := partial.stat().st_size) < size:
        try:
            _read_on(url, have, size, partial, progress)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.unlink()
            raise Unavailable(f"it answered {error.code} {error.reason}") from None
        except (http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # our disk, not their connection
            reason = str(getattr(error, "reason", "") or error)
        fruitless = 0 if partial.stat().st_size > have else fruitless + 1
        if fruitless >= TRIES:
            raise Unavailable(reason)
        if fruitless:
            time.sleep(fruitless)
    return partial


def _read_on(url: str, have: int, size: int, partial: Path, progress: Progress) -> None:
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=STALL_S) as reply:  # noqa: S310  (the scheme was checked)
        resumed = reply.status == HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        announced = reply.headers.get("Content-Length")
        if announced is not None and have + int(announced) != size:
            raise Unavailable(f"the file there has {have + int(announced):,} bytes instead of {size:,}")
        with partial.open("ab" if resumed else "wb") as target:
            while chunk := reply.read(min(1 << 18, size + 1 - have)):
                have += len(chunk)
                if have > size:
                    raise Unavailable(f"the file there has more than {size:,} bytes")
                target.write(chunk)
                progress.show(have, size)
