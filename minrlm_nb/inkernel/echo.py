"""Showing a value as text without ever building more text than is shown."""

from __future__ import annotations

from io import StringIO
from typing import Any

from IPython.core.formatters import PlainTextFormatter
from IPython.lib.pretty import RepresentationPrinter

ECHO_CHARS = 60_000
"""Characters of the text of one value; with the remark that it is cut it stays under the limit of a display."""

LONG_CHARS = 10_000
LONG_TAIL = 1_000
"""A str or bytes beyond the first is shown as a head and a tail of these lengths."""

_LONG_INT_BITS = 13_000  # 3,900 digits; above 4,300 Python refuses to write an int


class BoundedText(PlainTextFormatter):
    """``text/plain`` of a value, as IPython prints it but bounded in size and never failing."""

    def __call__(self, value: Any) -> str:
        """The text; cut off after `ECHO_CHARS`."""
        return bounded_text(value, self)


def bounded_text(value: Any, formatter: PlainTextFormatter, limit: int = ECHO_CHARS) -> str:
    """Print a value with IPython's printers, at most ``limit`` characters of it."""
    target = _Bounded(limit)
    printers: dict[Any, Any] = {
        **formatter.type_printers,
        str: _long_text,
        bytes: _long_text,
        bytearray: _long_text,
        int: _long_int,
    }
    printer = RepresentationPrinter(
        target,
        max_width=formatter.max_width,
        max_seq_length=formatter.max_seq_length,
        singleton_pprinters=formatter.singleton_printers,
        type_pprinters=printers,
        deferred_pprinters=formatter.deferred_printers,
    )
    try:
        printer.pretty(value)
        printer.flush()
    except _FullError:
        return f"{target.getvalue()}… [cut]"
    except Exception as error:  # a repr written by the model may do anything
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return target.getvalue()


class _FullError(Exception):
    """Stops the printer once there is enough."""


class _Bounded(StringIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._left = limit

    def write(self, text: str, /) -> int:
        if len(text) > self._left:
            super().write(text[: self._left])
            raise _FullError
        self._left -= len(text)
        return super().write(text)


def _long_text(value: Any, printer: Any, cycle: bool) -> None:
    size = len(value)
    if size <= LONG_CHARS:
        printer.text(repr(value))
        return
    unit = "characters" if isinstance(value, str) else "bytes"
    printer.text(f"{value[: LONG_CHARS - LONG_TAIL]!r} … {value[-LONG_TAIL:]!r} [{size:,} {unit}]")


def _long_int(value: int, printer: Any, cycle: bool) -> None:
    bits = value.bit_length()
    if bits <= _LONG_INT_BITS:
        printer.text(repr(value))
    else:
        printer.text(f"<int of {bits:,} bits, about {int(bits * 0.30103) + 1:,} digits>")
