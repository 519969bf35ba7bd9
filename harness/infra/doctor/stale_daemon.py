"""What a killed Docker daemon leaves behind, and which of it stops the next one from starting.

dockerd takes any live process whose number is in its pid file for itself and refuses to start;
it takes one whose number is in containerd's pid file for its containerd and waits for it in
vain, and it cannot work with a containerd that has survived its predecessor either. After a
restart of the machine, or just much later, those numbers belong to others.
Containers, their shims, mounts and network namespaces need nothing from us: containerd and
dockerd find them as they start and end them.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from harness.core.clock import NotYet, wait_until
from harness.core.progress import Notify


def command_line(pid: int, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """A live process' arguments; () when there is none, or only its entry (a zombie)."""
    try:
        raw = (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in raw.split(b"\0")[:-1])


def read_pid(file: Path) -> int | None:
    """The number in a pid file; None when there is no such file, or nothing sensible in it."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def running_daemon(pidfile: Path, proc: Path = Path("/proc")) -> int | None:
    """The number of the dockerd that `pidfile` speaks of, if that is what runs under it."""
    pid = read_pid(pidfile)
    return pid if pid and _is(command_line(pid, proc), "dockerd") else None


def running_containerd(exec_root: Path, proc: Path = Path("/proc")) -> int | None:
    """The number of the containerd that a dockerd with this `exec_root` started, if it lives."""
    folder = exec_root / "containerd"
    pid = read_pid(folder / "containerd.pid")
    words = command_line(pid, proc) if pid else ()
    config = os.path.realpath(folder / "containerd.toml")
    ours = _is(words, "containerd") and any(os.path.realpath(word) == config for word in words)
    return pid if ours else None


def clear(pidfile: Path, exec_root: Path, tell: Notify, proc: Path = Path("/proc")) -> None:
    """Remove pid files and sockets of a daemon that is gone, and end its containerd.

    Call it only when no dockerd answers, or runs, for these paths.
    """
    _end_containerd(exec_root, tell, proc)
    folder = exec_root / "containerd"
    for file in (pidfile, folder / "containerd.pid", *folder.glob("containerd*.sock*")):
        if file.exists():
            tell(f"removing {file}, left by a Docker daemon that is gone")
            file.unlink()


def _end_containerd(exec_root: Path, tell: Notify, proc: Path) -> None:
    """SIGKILL, as the kernel sends it when dockerd is killed: containerd's state survives it."""
    pid = running_containerd(exec_root, proc)
    if pid is None:
        return
    tell(f"ending containerd (process {pid}), left by a Docker daemon that is gone")
    handle = os.pidfd_open(pid)
    try:
        # The handle stays with one process: what is true of it now is true when it is hit.
        if running_containerd(exec_root, proc) == pid:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)

    def probe() -> None:
        if running_containerd(exec_root, proc) is not None:
            raise NotYet(f"process {pid} is still there")

    wait_until("the old containerd to end", probe, timeout=10.0, interval=0.1)


def _is(words: tuple[str, ...], program: str) -> bool:
    return bool(words) and Path(words[0]).name == program
