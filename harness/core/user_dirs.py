"""Folders of this tool on a machine: a cache to rebuild at will, and lasting state.

`QUEUEJOB_CACHE` and `QUEUEJOB_STATE` name the folders. Without them the XDG variables do, and
without those they are `~/.cache/queuejob` and `~/.local/state/queuejob`.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.core.errors import InfrastructureError


def cache_folder() -> Path:
    """Return the folder for downloads and builds, created if needed.

    Losing it costs only time.
    """
    return _folder("QUEUEJOB_CACHE", "XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """Return the folder for locks, logs and files of running daemons, created if needed."""
    return _folder("QUEUEJOB_STATE", "XDG_STATE_HOME", ".local/state")


def _folder(own: str, xdg: str, default: str) -> Path:
    named, base = os.environ.get(own), Path(os.environ.get(xdg, ""))
    if named:
        folder = Path(named).expanduser().absolute()
    elif base.is_absolute():  # the XDG specification: ignore a relative path
        folder = base / "queuejob"
    else:
        folder = Path.home() / default / "queuejob"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"cannot use the folder {folder}",
            expected="a folder that can be made and written to",
            seen=str(error),
            todo=f"set {own} to another folder",
        ) from error
    return folder
