"""Debian's packages, installed where the machine is a Debian or Ubuntu and we are root."""

from __future__ import annotations

import os
from collections.abc import Sequence

from harness.core import commands
from harness.core.errors import InfrastructureError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.core.user_dirs import state_folder

#: Seconds for the package lists and for one installation, with their downloads.
UPDATE = 600.0
INSTALL = 1800.0
_OPTIONS = (
    *("--yes", "--no-install-recommends", "--no-remove", "--no-upgrade"),
    *("-o", "DPkg::Lock::Timeout=300"),
)


def is_debian() -> bool:
    """Whether packages can be had by apt-get here."""
    return commands.which("apt-get") is not None


def by_hand(packages: Sequence[str]) -> str:
    """What a person runs, or does, to get these packages."""
    if is_debian():
        names = " ".join(packages)
        update, install = "sudo apt-get update", "sudo apt-get install --no-install-recommends"
        return f"`{update} && {install} {names}`"
    return f"install {', '.join(packages)} (Debian's names) with this system's package manager"


def install(packages: Sequence[str], tell: Notify) -> None:
    """Install packages; what is there is neither removed nor upgraded for it.

    Raises `InfrastructureError`, with what to run by hand.
    """
    if not is_debian() or os.geteuid() != 0:
        raise InfrastructureError(
            f"cannot install {', '.join(packages)}",
            expected="to be root on Debian or Ubuntu",
            seen=f"user id {os.geteuid()}, apt-get {'' if is_debian() else 'not '}found",
            todo=by_hand(packages),
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    file = state_folder() / "packages.lock"
    with exclusive(file, "it installs packages", timeout=UPDATE + INSTALL, tell=tell):
        tell("apt-get update")
        # One broken source among many need not keep the package away: the installation decides.
        updated = commands.run(
            ["apt-get", "update"], timeout=UPDATE, check=False, env=quiet, on_line=tell
        )
        tell(f"apt-get install {' '.join(packages)}")
        command = ["apt-get", "install", *_OPTIONS, *packages]
        done = commands.run(command, timeout=INSTALL, check=False, env=quiet, on_line=tell)
    if not done.ok:
        said = (updated.stderr + done.stderr).strip().splitlines()[-20:]
        raise InfrastructureError(
            f"apt-get could not install {', '.join(packages)}",
            expected="exit code 0",
            seen=f"exit code {done.code}\n" + "\n".join(f"    {line}" for line in said),
            todo=by_hand(packages),
        )
