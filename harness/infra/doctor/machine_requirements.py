"""Requirements on the machine: free disk, memory, and the kernel's limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.doctor import docker_client, docker_daemon, stale_daemon
from harness.infra.doctor.docker_requirements import DaemonAnswers
from harness.infra.doctor.manual_fix import ManualFix, not_fixable
from harness.infra.doctor.requirement import CheckResult

GIGA = 10**9
_OTHER_KERNEL = "Docker does not run on this machine's kernel: not looked at"


class FreeDisk(ManualFix):
    """Free disk where Docker keeps images and containers, in gigabytes (10^9 bytes)."""

    name = "free disk"
    why = "images, nodes and builds fill the disk that Docker uses"
    depends_on = (DaemonAnswers.name,)

    def __init__(self, docker: Docker, gigabytes: float) -> None:
        self._docker, self._gigabytes = docker, gigabytes

    def check(self) -> CheckResult:
        folder = Path(docker_client.info(self._docker)["DockerRootDir"])
        if not docker_client.nearby(self._docker) or not folder.exists():
            return CheckResult(True, f"{folder} is not on this machine: not looked at")
        room = os.statvfs(folder)
        free = room.f_bavail * room.f_frsize / GIGA
        seen = f"{free:.1f} GB in {folder}, at least {self._gigabytes:g} GB needed"
        todo = f"make room on the disk of {folder} (`docker system df` shows what takes it)"
        return CheckResult(free >= self._gigabytes, seen, "" if free >= self._gigabytes else todo)


class FreeMemory(ManualFix):
    """Memory available without swapping; for an engine on another kernel, its total memory."""

    name = "free memory"
    why = "three nodes with control plane and brokers take about 2 GB"
    depends_on: tuple[str, ...] = ()

    def __init__(self, docker: Docker, gigabytes: float = 3) -> None:
        self._docker, self._gigabytes = docker, gigabytes

    def check(self) -> CheckResult:
        if docker_client.nearby(self._docker):
            free = available_memory(Path("/proc/meminfo").read_text()) / GIGA
        else:
            free = int(docker_client.info(self._docker)["MemTotal"]) / GIGA
        seen = f"{free:.1f} GB, at least {self._gigabytes:g} GB needed"
        todo = "end what takes memory, or give Docker's virtual machine more"
        return CheckResult(free >= self._gigabytes, seen, "" if free >= self._gigabytes else todo)


class Inotify:
    """The kernel's inotify limits, which all containers of one user share.

    A cluster of three nodes without user pods held 50 instances and 500 watches. Limits that are
    too low appear as "too many open files" in a pod, long after the cluster is up.
    """

    name = "inotify limits"
    why = "systemd, containerd and kubelet of each node watch files"
    depends_on: tuple[str, ...] = ()
    #: For each limit: the minimum, and the value that `fix` sets (kind's recommendation).
    limits: ClassVar = {"max_user_instances": (128, 512), "max_user_watches": (8_192, 524_288)}

    def __init__(self, docker: Docker, folder: Path = Path("/proc/sys/fs/inotify")) -> None:
        self._docker, self._folder = docker, folder

    def check(self) -> CheckResult:
        if not docker_client.nearby(self._docker):
            return CheckResult(True, _OTHER_KERNEL)
        current = {name: int((self._folder / name).read_text()) for name in self.limits}
        needed = {name: self._needed(name) for name in self.limits}
        too_low = [name for name in self.limits if current[name] < needed[name]]
        seen = ", ".join(f"{name} {current[name]} (needed {needed[name]})" for name in self.limits)
        values = " ".join(f"fs.inotify.{name}={self.limits[name][1]}" for name in too_low)
        return CheckResult(not too_low, seen, f"`sudo sysctl {values}`" if too_low else "")

    def _needed(self, name: str) -> int:
        # The minimum is enough for one quiet cluster. A user who may raise the limit should: each
        # followed log takes one more instance.
        minimum, recommended = self.limits[name]
        return recommended if os.access(self._folder / name, os.W_OK) else minimum

    def fix(self, notify: Notify) -> None:
        for name, (_, recommended) in self.limits.items():
            file = self._folder / name
            if int(file.read_text()) >= recommended:
                continue
            try:
                file.write_text(str(recommended))
            except OSError as error:
                finding = self.check()
                raise not_fixable(
                    self.name, self.why, CheckResult(False, str(error), finding.todo)
                ) from error
            notify(f"fs.inotify.{name} is {recommended} until the next restart of this machine")


class OpenFiles(ManualFix):
    """The hard limit of open files, which nodes inherit from the daemon.

    A daemon that the harness starts inherits the limit of this process.
    """

    name = "open files"
    why = "API server, etcd and brokers hold many files and connections open"
    depends_on: tuple[str, ...] = ()
    least = 4096

    def __init__(
        self, docker: Docker, place: docker_daemon.DaemonPaths = docker_daemon.HOST
    ) -> None:
        self._docker, self._place = docker, place

    def check(self) -> CheckResult:
        if not docker_client.nearby(self._docker):
            return CheckResult(True, _OTHER_KERNEL)
        pid = stale_daemon.running_daemon(self._place.pidfile)
        hard = open_file_limit(Path(f"/proc/{pid or 'self'}/limits").read_text())
        seen = f"{hard:.0f} for {'dockerd' if pid else 'this process'}, {self.least} needed"
        todo = "LimitNOFILE= in the Docker service, or a higher `ulimit -Hn` where it is started"
        return CheckResult(hard >= self.least, seen, "" if hard >= self.least else todo)


def available_memory(meminfo: str) -> int:
    """Return MemAvailable from the text of /proc/meminfo, in bytes."""
    line = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


def open_file_limit(limits: str) -> float:
    """Return the hard limit of open files from the text of /proc/PID/limits.

    Infinity if there is no limit.
    """
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    hard = line.split()[4]
    return float("inf") if hard == "unlimited" else int(hard)
