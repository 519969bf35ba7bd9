"""Installation of Debian packages, for root on Debian or Ubuntu."""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.core import commands
from harness.core.errors import InfrastructureError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.core.user_dirs import state_folder

#: Seconds to update the package lists and to install packages, downloads included.
UPDATE = 600.0
INSTALL = 1800.0
_OPTIONS = (
    *("--yes", "--no-install-recommends", "--no-remove", "--no-upgrade"),
    *("-o", "DPkg::Lock::Timeout=300"),
)


def is_debian() -> bool:
    """Return whether this machine has apt-get."""
    return commands.which("apt-get") is not None


def by_hand(packages: Sequence[str]) -> str:
    """Return what a person has to run or do to install these packages."""
    if is_debian():
        names = " ".join(packages)
        update, install = "sudo apt-get update", "sudo apt-get install --no-install-recommends"
        return f"`{update} && {install} {names}`"
    return f"install {', '.join(packages)} (Debian's names) with this system's package manager"


def install(packages: Sequence[str], notify: Notify) -> None:
    """Install packages; apt-get neither removes nor upgrades other packages for them.

    Raises `InfrastructureError`, which names the commands to run by hand.
    """
    if not is_debian() or os.geteuid() != 0:
        raise InfrastructureError(
            f"cannot install {', '.join(packages)}",
            expected="to be root on Debian or Ubuntu",
            seen=f"user id {os.geteuid()}, apt-get {'' if is_debian() else 'not '}found",
            todo=by_hand(packages),
        )
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    file = state_folder() / "packages.lock"
    with exclusive(file, "it installs packages", timeout=UPDATE + INSTALL, notify=notify):
        notify("apt-get update")
        # One broken package source need not prevent the installation: the next command decides.
        updated = commands.run(
            ["apt-get", "update"], timeout=UPDATE, check=False, env=environment, on_line=notify
        )
        notify(f"apt-get install {' '.join(packages)}")
        command = ["apt-get", "install", *_OPTIONS, *packages]
        installed = commands.run(
            command, timeout=INSTALL, check=False, env=environment, on_line=notify
        )
    if not installed.ok:
        lines = (updated.stderr + installed.stderr).strip().splitlines()[-20:]
        raise InfrastructureError(
            f"apt-get could not install {', '.join(packages)}",
            expected="exit code 0",
            seen=f"exit code {installed.code}\n" + "\n".join(f"    {line}" for line in lines),
            todo=by_hand(packages),
        )
