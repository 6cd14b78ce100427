"""Starts a kernel's process through jupyter_client and the isolation level's provisioner."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from ..isolation import Level
from .channels import make_session
from .launcher import shared_launcher


class Manager(AsyncKernelManager):
    """jupyter_client's manager with a kernelspec of our own, so that none has to be installed."""

    def __init__(self, spec: KernelSpec, **traits: Any) -> None:
        super().__init__(**traits)
        self._spec = spec

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the kernel is started."""
        return self._spec

    def start(self, arguments: Sequence[str], environment: dict[str, str], work: Path) -> None:
        """Start the process. Its output goes nowhere, but its standard error to us, as its last words.

        Parameters
        ----------
        arguments
            What follows the kernelspec's command line.
        environment
            Its environment.
        work
            The folder it starts in.
        """
        shared_launcher().run(
            self.start_kernel(
                extra_arguments=list(arguments),
                independent=True,  # `--owned` says whose the kernel is; no second poller is needed for that
                env=environment,
                cwd=str(work),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        )

    def kill(self) -> None:
        """Send SIGKILL to the process and its group, or whatever ends it at its isolation level."""
        if self.provisioner is not None:
            shared_launcher().run(self.provisioner.kill())

    def clean_up(self) -> None:
        """Remove the connection file and close the manager's own socket."""
        shared_launcher().run(self.cleanup_resources())


def make_manager(level: Level, folder: Path, context: zmq.Context[zmq.Socket[bytes]]) -> Manager:
    """A manager for one kernel, which is not started yet.

    Parameters
    ----------
    level
        Names the provisioner.
    folder
        Private folder for connection file and sockets; its owner removes it.
    context
        Makes the manager's socket; its owner closes it after `Manager.clean_up`.
    """
    provisioner = {"provisioner_name": level.provisioner, "config": {"folder": str(folder)}}
    spec = KernelSpec(
        argv=[sys.executable, "-m", "minrlm_nb.inkernel", "-f", "{connection_file}"],
        display_name="minRLM REPL kernel",
        language="python",
        interrupt_mode="message",
        metadata={"kernel_provisioner": provisioner},
    )
    return Manager(
        spec,
        context=zmq.asyncio.Context(shadow=context),  # the same one, as the launcher's loop wants it
        session=make_session(),
        connection_file=str(folder / "kernel.json"),
    )
