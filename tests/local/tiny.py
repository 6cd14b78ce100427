"""A tiny model file, the wheels that carry it in parts, and a web server that has it."""

from __future__ import annotations

import hashlib
import random
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from minrlm_nb.models.local.catalog import ModelEntry, PackageParts, Source

CONTENT = random.Random(5).randbytes(100_000)
PARTS = PackageParts("tiny-gguf-part{number}", count=4, version="1.0", part_bytes=30_000)


def entry(*sources: Source, content: bytes = CONTENT) -> ModelEntry:
    """A catalog entry for the tiny file."""
    return ModelEntry(
        name="tiny",
        title="Tiny",
        file="tiny.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="MIT",
        sources=sources,
    )


def part(number: int) -> bytes:
    """The data of a part."""
    return CONTENT[(number - 1) * PARTS.part_bytes : number * PARTS.part_bytes]


def write_wheel(folder: Path, number: int, members: dict[str, bytes] | None = None) -> Path:
    """A wheel that pip accepts, with the part's data or with the members given."""
    package = PARTS.project_name(number).replace("-", "_")
    info = f"{package}-1.0.dist-info"
    path = folder / f"{package}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {PARTS.project_name(number)}\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{package}/__init__.py", "raise SystemExit('never to be imported')\n")
        for name, data in (members or {PARTS.member_name(number): part(number)}).items():
            wheel.writestr(name, data)
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


class Site:
    """What the web server was asked, and how it is to behave."""

    def __init__(self) -> None:
        self.url = ""
        self.content = CONTENT
        self.status = 200
        self.ranges = True
        self.cut_after: int | None = None
        self.hold: threading.Event | None = None
        self.asked: list[tuple[str, str, str]] = []

    @property
    def downloads(self) -> list[str]:
        """The ``Range`` of each GET."""
        return [wanted for method, _, wanted in self.asked if method == "GET"]


@contextmanager
def serve() -> Iterator[Site]:
    """A web server on loopback that has the tiny file at every path."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, body: bool) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append((self.command, self.path, wanted))
            match = re.fullmatch(r"bytes=(\d+)-", wanted) if site.ranges else None
            start = int(match[1]) if match else 0
            data = site.content[start:]
            self.send_response(206 if match and site.status == 200 else site.status)
            self.send_header("Content-Length", str(len(data)))
            if match:
                self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
            self.send_header("ETag", f'"{hashlib.sha256(site.content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if not body:
                return
            if site.hold is not None:
                site.hold.wait(30)
            cut, site.cut_after = site.cut_after, None
            self.wfile.write(data[:cut])
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
