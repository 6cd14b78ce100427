"""Whatever a caller has becomes texts: strings, bytes, files, tables, JSON-able data, or several of these.

The one rule to know is what a list means. A list or tuple is *several inputs* when each of its elements is an input
by itself: str, bytes, path, table, open file. Any other list (of numbers, of dicts, mixed, empty) is *data*: one input
that holds it as JSON. To pass a list of str as data, wrap it: ``{"names": names}``.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ..core.ports import InputText
from ..core.records import InputFacts
from ..errors import InputError
from .decode import decode

MOST_INPUTS: Final = 1_000
MOST_FILE_BYTES: Final = 4 * 2**30
"""Largest file that is read; for a gzip file, what it may unpack to."""

INDENTED_CHARS: Final = 100_000
"""JSON up to this size is written with one line an item; bigger JSON is compact."""


def as_inputs(
    context: object, labels: Sequence[str] | None = None, *, most_file_bytes: int = MOST_FILE_BYTES
) -> tuple[InputText, ...]:
    """Turn a run's context into inputs: ``input_0``, ``input_1`` and so on.

    Parameters
    ----------
    context
        * None or an empty str or bytes: no input at all.
        * str: the text itself, never a path. bytes: decoded, see `minrlm_nb.repl.decode.decode`.
        * a path: the file's text; a gzip file's unpacked. An open file: what is left to read.
        * a pandas DataFrame or Series, a polars DataFrame or Series: CSV, with the index if it says more than the
          row's number.
        * dict, list, tuple: JSON; a list of inputs: several inputs (see above).
        * what this function returned: the same again.
    labels
        What the inputs are called in reports; by default a file's name, else the type. One for all, or one each: with
        two labels or more, the elements of ``context`` are taken for one input each, whatever they are.
    most_file_bytes
        Largest file, unpacked.

    Raises
    ------
    InputError
        If something is missing, too big, no text, or of a kind that can't be read. Says which and what to do.
    """
    if context is None or (isinstance(context, (str, bytes)) and not context):
        return ()
    reader = _Reader(most_file_bytes)
    if isinstance(context, (list, tuple)):
        if context and all(isinstance(item, InputText) for item in context):
            return tuple(context)
        apart = labels is not None and len(labels) > 1
        if apart or (context and all(_is_input(item) for item in context)):
            return _several(context, labels, reader)
    label = labels[0] if labels else _default_label(context)
    return (_facts(0, label, reader.text_of(context, label)),)


def _several(items: Sequence[object], labels: Sequence[str] | None, reader: _Reader) -> tuple[InputText, ...]:
    if len(items) > MOST_INPUTS:
        raise InputError(
            f"{len(items):,} inputs are over the limit of {MOST_INPUTS:,}; join them to one text, or wrap the list "
            "in a dict to pass it as JSON",
            count=len(items),
        )
    if labels is None:
        labels = [_default_label(item) for item in items]
    elif len(labels) == 1 and len(items) > 1:
        labels = [f"{labels[0]}[{number}]" for number in range(len(items))]
    if len(labels) != len(items):
        raise InputError(f"there are {len(items)} inputs but {len(labels)} labels; give one for each")
    return tuple(
        _facts(number, label, reader.text_of(item, label))
        for number, (item, label) in enumerate(zip(items, labels, strict=True))
    )


def _facts(number: int, label: str, text: str) -> InputText:
    lines = text.count("\n") + (not text.endswith("\n") if text else 0)
    return InputText(text, InputFacts(f"input_{number}", label, kind="", size=len(text), lines=lines))


class _Reader:
    """Reads one input of any kind."""

    def __init__(self, most_file_bytes: int) -> None:
        self._most_bytes = most_file_bytes

    def text_of(self, value: object, label: str) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, InputText):
            return value.text
        if isinstance(value, (bytes, bytearray, memoryview)):
            return decode(bytes(value), label)
        if isinstance(value, os.PathLike):
            return decode(self._file(Path(os.fsdecode(value)).expanduser()), label)
        if (csv := _csv_writer(value)) is not None:
            return csv()
        if isinstance(value, (dict, list, tuple)):
            return _json(value, label)
        read = getattr(value, "read", None)
        if callable(read):
            content = read()
            if isinstance(content, (str, bytes)):
                return self.text_of(content, label)
        raise InputError(
            f"{label} is a {_type_name(value)}, which can't be read as text; pass a str, bytes, a pathlib.Path, "
            "a DataFrame, or a dict or list that JSON can hold",
            label=label,
        )

    def _file(self, path: Path) -> bytes:
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise InputError(
                    f"{path} is a folder; name a file in it, several files, or a pattern such as {path}/*.txt",
                    path=path,
                )
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path} is a device or pipe, not a file; read it and pass the text", path=path)
            self._check_size(path, status.st_size)
            with path.open("rb") as file:
                if path.suffix == ".gz" and file.read(2) == b"\x1f\x8b":
                    file.seek(0)
                    return self._unpacked(path, file)
                file.seek(0)
                return file.read()
        except FileNotFoundError:
            raise InputError(f"there is no file {path} (looked in {Path.cwd()})", path=path) from None
        except OSError as error:
            raise InputError(f"{path} can't be read: {error.strerror or error}", path=path) from error

    def _unpacked(self, path: Path, file: io.BufferedReader) -> bytes:
        unpacked = bytearray()
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                while piece := stream.read(2**20):
                    unpacked += piece
                    self._check_size(path, len(unpacked))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is damaged and can't be unpacked: {error}", path=path) from error
        return bytes(unpacked)

    def _check_size(self, path: Path, size: int) -> None:
        if size > self._most_bytes:
            raise InputError(
                f"{path} holds {size:,} bytes or more; the limit is {self._most_bytes:,}; pass the part you need",
                path=path,
                size=size,
            )


def _is_input(value: object) -> bool:
    """Whether a list's element is an input by itself."""
    return (
        isinstance(value, (str, bytes, bytearray, memoryview, os.PathLike, InputText))
        or _csv_writer(value) is not None
        or callable(getattr(value, "read", None))
    )


def _csv_writer(value: Any) -> Callable[[], str] | None:
    """What writes a table as CSV, or None. Told by the type's home, so that neither library is imported."""
    homes = {kind.__module__.partition(".")[0] for kind in type(value).__mro__}
    if "pandas" in homes and hasattr(value, "to_csv") and hasattr(value, "index"):
        return lambda: str(value.to_csv(index=not _counts_rows(value.index)))
    if "polars" in homes and hasattr(value, "write_csv"):
        return lambda: str(value.write_csv())
    if "polars" in homes and hasattr(value, "to_frame"):
        return lambda: str(value.to_frame().write_csv())
    return None


def _counts_rows(index: Any) -> bool:
    """Whether a pandas index is the one that tables get by themselves: 0, 1, 2 …, without a name."""
    if type(index).__name__ != "RangeIndex" or index.name is not None:
        return False
    return bool(index.start == 0 and index.step == 1)


def _json(value: object, label: str) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        where, culprit = _not_json(value, label)
        raise InputError(
            f"{where} is a {_type_name(culprit)}, which JSON can't hold; turn it into text, numbers, lists or dicts",
            label=label,
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{label} can't be written as JSON: {error}", label=label) from error
    return text if len(text) > INDENTED_CHARS else json.dumps(value, ensure_ascii=False, indent=1)


def _not_json(value: object, where: str) -> tuple[str, object]:
    """The first part that JSON can't hold, and the way to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, (str, int, float, bool, type(None))):
                return f"a key of {where}", key
            if not _fits_json(item):
                return _not_json(item, f"{where}[{key!r}]")
    if isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            if not _fits_json(item):
                return _not_json(item, f"{where}[{number}]")
    return where, value


def _fits_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _default_label(value: object) -> str:
    if isinstance(value, os.PathLike):
        return Path(os.fsdecode(value)).name
    name = getattr(value, "name", None)  # an open file's
    if callable(getattr(value, "read", None)) and isinstance(name, str):
        return Path(name).name
    return type(value).__name__


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
