"""Remains of a killed Docker daemon that prevent the next daemon from starting.

If dockerd's pid file has the number of any live process, dockerd takes that process for another
dockerd and refuses to start. If containerd's pid file has the number of any live process, dockerd
takes that process for its containerd and waits for it in vain. dockerd cannot work with a
containerd that survived its predecessor either. After a restart of the machine, or much later,
those numbers belong to other processes.
Containers, their shims, mounts and network namespaces need no cleanup here: containerd and
dockerd find them when they start, and end them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from harness.core.clock import NotYet, wait_until
from harness.core.progress import Notify


def command_line(pid: int, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return a live process' arguments; () for a zombie, or if there is no such process."""
    try:
        raw = (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in raw.split(b"\0")[:-1])


def read_pid(file: Path) -> int | None:
    """Return the number in a pid file; None if there is no file, or no number in it."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def running_daemon(pidfile: Path, proc: Path = Path("/proc")) -> int | None:
    """Return the pid in `pidfile` if that process is a dockerd, otherwise None."""
    pid = read_pid(pidfile)
    return pid if pid and _is_program(command_line(pid, proc), "dockerd") else None


def running_containerd(exec_root: Path, proc: Path = Path("/proc")) -> int | None:
    """Return the pid of the live containerd that a dockerd with this `exec_root` started."""
    folder = exec_root / "containerd"
    pid = read_pid(folder / "containerd.pid")
    argv = command_line(pid, proc) if pid else ()
    config = os.path.realpath(folder / "containerd.toml")
    own = _is_program(argv, "containerd") and any(os.path.realpath(word) == config for word in argv)
    return pid if own else None


def clear(pidfile: Path, exec_root: Path, notify: Notify, proc: Path = Path("/proc")) -> None:
    """Remove the pid files and sockets of a daemon that is gone, and end its containerd.

    Call this only if no dockerd answers or runs for these paths.
    """
    _end_containerd(exec_root, notify, proc)
    folder = exec_root / "containerd"
    for file in (pidfile, folder / "containerd.pid", *folder.glob("containerd*.sock*")):
        if file.exists():
            notify(f"removing {file}, left by a Docker daemon that is gone")
            file.unlink()


def _end_containerd(exec_root: Path, notify: Notify, proc: Path) -> None:
    """Send SIGKILL, as the kernel does when dockerd is killed; containerd's state survives."""
    pid = running_containerd(exec_root, proc)
    if pid is None:
        return
    notify(f"ending containerd (process {pid}), left by a Docker daemon that is gone")
    handle = os.pidfd_open(pid)
    try:
        # The handle refers to one process, even if its pid is reused between check and signal.
        if running_containerd(exec_root, proc) == pid:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)

    def probe() -> None:
        if running_containerd(exec_root, proc) is not None:
            raise NotYet(f"process {pid} is still there")

    wait_until("the old containerd to end", probe, timeout=10.0, interval=0.1)


def _is_program(words: tuple[str, ...], program: str) -> bool:
    return bool(words) and Path(words[0]).name == program
