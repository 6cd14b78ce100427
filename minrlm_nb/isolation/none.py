"""Level ``none``: a plain child process with its owner's rights."""

from __future__ import annotations

from .ipc import IpcProvisioner


class UnboxedProvisioner(IpcProvisioner):
    """Starts the kernel unboxed. Only its environment is cut down, so that it holds no keys."""
