"""What every level's provisioner shares: sockets in a private folder instead of TCP ports, and few variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Unicode

from .environment import minimal_environment
from .folders import make_folder, remove_folder


class IpcProvisioner(LocalProvisioner):
    """Starts a kernel on this machine that talks over unix sockets in a folder only its owner can enter.

    Kernel managers ask for TCP (jupyter_server and nbclient always do). Before the connection file is written,
    `pre_launch` turns that into ``ipc``, so the same kernelspec works under all of them and a kernel without a
    network can be opened from JupyterLab.
    """

    folder = Unicode(
        "",
        help="Folder for the sockets, made and removed by whoever names it; empty: our own, gone with the kernel.",
    )

    _own_folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Switch the manager to ``ipc`` and cut the environment down to what a kernel needs."""
        manager: Any = self.parent
        # Already switched at a restart: same connection file, same paths.
        if manager is not None and not self.ports_cached:
            if not self.folder:
                self._own_folder = make_folder()
            manager.transport = "ipc"
            manager.ip = str(Path(self.folder or str(self._own_folder)) / "k")
            for channel in ("shell", "iopub", "stdin", "control", "hb"):
                setattr(manager, f"{channel}_port", 0)
            self.ports_cached = True  # or LocalProvisioner would reserve TCP ports
        kwargs["env"] = minimal_environment(kwargs.get("env", os.environ))
        return await super().pre_launch(**kwargs)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder, unless the kernel is about to start again in it."""
        if self.connection_info:  # empty when the launch failed early, and then no port is reserved
            await super().cleanup(restart)
        if self._own_folder is not None and not restart:
            remove_folder(self._own_folder)
            self._own_folder = None
