"""An OCI runtime that asks runc only for capabilities that this host can grant.

`docker run --privileged` and `docker exec --privileged` ask for every capability that the
kernel knows. If the host itself lacks one (for example a virtual machine or container without
CAP_SYS_RESOURCE), runc refuses with "unable to apply caps: operation not permitted".
This program runs between Docker and runc. It removes the capabilities outside the host's
bounding set from the bundle's `config.json` (`create`, `run`) or from the process file (`exec`),
and then replaces itself with runc. If no capability is missing, it starts runc unchanged.

The harness installs this file as a separate program, and the base interpreter runs it.
Therefore it imports the standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Capability names by bit number, from the kernel's include/uapi/linux/capability.h.
CAPABILITIES = (
    "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID "
    "CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST "
    "CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO "
    "CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE "
    "CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE "
    "CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM "
    "CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE"
).split()


def missing_capabilities(bounding: int, last: int = len(CAPABILITIES) - 1) -> frozenset[str]:
    """Return the names of capabilities up to number `last` whose bit `bounding` lacks."""
    return frozenset(
        name for bit, name in enumerate(CAPABILITIES[: last + 1]) if not bounding >> bit & 1
    )


def host_missing() -> frozenset[str]:
    """Return the capabilities that this process' bounding set lacks (capabilities(7))."""
    status = Path("/proc/self/status").read_text()
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return missing_capabilities(int(bounding.split()[1], 16), last)


def without(process: dict[str, Any], missing: frozenset[str]) -> dict[str, Any]:
    """Return the OCI `process` object with `missing` removed from each capability set."""
    sets = process.get("capabilities") or {}
    kept = {name: [c for c in caps or () if c not in missing] for name, caps in sets.items()}
    return {**process, "capabilities": kept} if sets else process


def option(arguments: Sequence[str], *names: str) -> str | None:
    """Return the value of an option in a runc command line, or None.

    The option is the first of `names` that occurs, as `--name value` or `--name=value`.
    """
    for index, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in names:
            if equals:
                return value
            if index + 1 < len(arguments):
                return arguments[index + 1]
    return None


def rewrite(arguments: Sequence[str], missing: frozenset[str]) -> None:
    """Remove `missing` from the file in which runc reads this command's capabilities."""
    if not missing:
        return
    if "exec" in arguments:
        path = option(arguments, "--process", "-p")
        if path:
            file = Path(path)
            file.write_text(json.dumps(without(json.loads(file.read_text()), missing)))
    elif "create" in arguments or "run" in arguments:
        file = Path(option(arguments, "--bundle", "-b") or ".") / "config.json"
        config = json.loads(file.read_text())
        config["process"] = without(config.get("process") or {}, missing)
        file.write_text(json.dumps(config))


def main() -> None:
    """Rewrite the capabilities of this command, then replace this process with runc."""
    rewrite(sys.argv[1:], host_missing())
    runc = shutil.which("runc") or "/usr/sbin/runc"
    os.execv(runc, [runc, *sys.argv[1:]])


if __name__ == "__main__":
    main()
