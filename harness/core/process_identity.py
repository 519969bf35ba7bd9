"""Distinguishes a process from a later one that got the same pid."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec


class ProcessId(msgspec.Struct, frozen=True):
    """A process: its pid, and when it began."""

    pid: int
    #: Clock ticks after boot (field 22 of proc_pid_stat(5)); -1 where no such process exists.
    began: int

    @property
    def alive(self) -> bool:
        """True while this very process runs; a zombie counts as ended."""
        state, began = _stat(self.pid)
        return began >= 0 and began == self.began and state != "Z"


def current_process(pid: int | None = None) -> ProcessId:
    """Return the identity of a running process, by default of this one.

    `began` is -1 when there is no such process.
    """
    number = os.getpid() if pid is None else pid
    return ProcessId(number, _stat(number)[1])


def pid_scope() -> str:
    """Return an identifier of the scope in which pids are unique: this boot and pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    numbers = Path("/proc/self/ns/pid").readlink()
    return hashlib.sha256(f"{boot}{numbers}".encode()).hexdigest()[:12]


def _stat(pid: int) -> tuple[str, int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", -1
    # The command name is in parentheses and may contain anything, even spaces and ")".
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])
