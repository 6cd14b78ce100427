"""Starting the kernel: ties it to its driver, opens the call channel, then hands over to ipykernel."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from IPython.core.profiledir import ProfileDir
from tornado import ioloop
from traitlets.config import Config

from ..wire import CALLS_FLAG, OWNED_FLAG
from .absent import UNWANTED, absent
from .calls import SocketChannel
from .final import quiet_threads
from .kernel import Kernel
from .output import METER, trust_output_thread
from .owner import die_with, leave, leave_soon


class KernelApp(IPKernelApp):
    """ipykernel's application without the owner's profile, history, start-up files, extensions and debugger."""

    name = "minrlm-kernel"
    kernel_class = Kernel
    outstream_class = "minrlm_nb.inkernel.output.CappedStream"

    channel: SocketChannel | None = None
    owned = False

    def init_profile_dir(self) -> None:
        """Have a profile that is nowhere on disk."""
        self.profile_dir = ProfileDir()

    def init_config_files(self) -> None:
        """Look for none."""

    def load_config_file(self, *args: object, **kwargs: object) -> None:
        """Load none."""

    def init_iopub(self, context: Any) -> None:
        """Make the output thread, as one that an interrupt can't have taken for dead."""
        super().init_iopub(context)
        trust_output_thread(self.iopub_thread)

    def init_pdb(self) -> None:
        """Leave pdb as it is: importing IPython's takes time, and nobody is there to debug."""

    def init_extensions(self) -> None:
        """Load none."""

    def init_code(self) -> None:
        """Run no start-up code."""

    def init_poller(self) -> None:
        """Watch the parent only if nothing better does."""
        if not self.owned:
            super().init_poller()

    def start(self) -> None:
        """Serve until asked to stop.

        An interrupt or a ``sys.exit()`` inside a task of a cell comes out of the event loop, after the cell was told;
        then the loop goes on.
        """
        loop: Any = ioloop.IOLoop.current()
        serve = loop.start

        def serve_on() -> None:
            while True:
                try:
                    serve()
                except (KeyboardInterrupt, SystemExit):
                    continue
                return

        loop.start = serve_on
        super().start()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the kernel.

    Parameters
    ----------
    argv
        Command line without the program's name; ``sys.argv`` by default.
    """
    parser = argparse.ArgumentParser(prog="python -m minrlm_nb.inkernel", allow_abbrev=False)
    parser.add_argument(CALLS_FLAG, metavar="SOCKET", help="connect the call channel to this unix socket")
    parser.add_argument(OWNED_FLAG, metavar="PID", type=int, help="end with this process, which started the kernel")
    options, rest = parser.parse_known_args(argv)
    if options.owned is not None:
        die_with(options.owned)
    app = KernelApp.instance(config=_settings())
    app.owned = options.owned is not None
    if app.owned:
        app.parent_handle = options.owned  # or ipykernel tells a terminal how to connect
    with absent(*UNWANTED):
        app.initialize(rest)
    app.log.setLevel(app.log_level)  # or every debug message is made, to be dropped by the handler
    if options.calls is not None:
        # Only now: a driver that sees us come knows that all other sockets are bound.
        app.channel = SocketChannel.connect(options.calls, on_close=leave if app.owned else None)
    quiet_threads()
    METER.know_own_threads()
    app.start()
    leave_soon()


def _settings() -> Config:
    settings = Config()
    settings.HistoryManager.enabled = False
    settings.HistoryManager.hist_file = ":memory:"
    settings.InteractiveShell.cache_size = 0
    settings.InteractiveShell.colors = "NoColor"
    settings.Completer.use_jedi = False
    return settings
