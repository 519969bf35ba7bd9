"""Telling one process from another that got the same number later."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec


class ProcessId(msgspec.Struct, frozen=True):
    """A process: its pid, and when it began (clock ticks after boot, see proc_pid_stat(5))."""

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        """True while that very process runs; a zombie has ended."""
        state, began = _stat(self.pid)
        return began >= 0 and began == self.began and state != "Z"


def current_process(pid: int | None = None) -> ProcessId:
    """The identity of a running process, by default our own; began is -1 when there is none."""
    number = os.getpid() if pid is None else pid
    return ProcessId(number, _stat(number)[1])


def pid_scope() -> str:
    """A word for where pids mean what they mean here: this boot, and this pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    numbers = Path("/proc/self/ns/pid").readlink()
    return hashlib.sha256(f"{boot}{numbers}".encode()).hexdigest()[:12]


def _stat(pid: int) -> tuple[str, int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", -1
    # The command's name stands in parentheses and may hold anything, also spaces and ")".
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])
