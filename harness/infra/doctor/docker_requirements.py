"""Requirements on Docker: installed, reachable, running, and able to run a kind node."""

from __future__ import annotations

import grp
import json
import os
import pwd
import socket
import tempfile
from pathlib import Path

from harness.core import commands
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.doctor import apt, docker_client, docker_daemon, runtime_wrapper
from harness.infra.doctor.manual_fix import ManualFix, not_fixable
from harness.infra.doctor.oci_runtime import host_missing
from harness.infra.doctor.requirement import CheckResult

_FIX = "`queuejob doctor --fix`"


class DockerInstalled:
    """The Docker client, and the engine too if its daemon belongs to this machine."""

    name = "Docker engine"
    why = "a kind cluster's nodes are Docker containers"
    depends_on: tuple[str, ...] = ()
    packages = ("docker.io", "iptables", "debootstrap", "ca-certificates")

    def __init__(
        self, docker: Docker, place: docker_daemon.DaemonPaths = docker_daemon.HOST
    ) -> None:
        self._docker, self._place = docker, place

    def check(self) -> CheckResult:
        program, dockerd = commands.which("docker"), docker_daemon.program()
        todo = f"as root {_FIX}, or {apt.by_hand(self.packages)}"
        if program is None:
            return CheckResult(False, "no `docker` on PATH", todo)
        host = docker_client.endpoint(self._docker)
        if dockerd is None and self._place.serves(host) and not docker_client.ask(self._docker).ok:
            return CheckResult(False, f"the client {program}, but no dockerd", todo)
        return CheckResult(True, f"client {program}, daemon {dockerd or 'at ' + host}")

    def fix(self, notify: Notify) -> None:
        apt.install(self.packages, notify)
        if commands.which("docker") is None:  # a separate package since Debian 13
            apt.install(("docker-cli",), notify)


class SocketPermission(ManualFix):
    """Permission to use the daemon's socket; whether a daemon runs is another requirement.

    Membership in Docker's group is equivalent to root: no tool should grant it automatically.
    """

    name = "Docker permission"
    why = "whoever may use Docker's socket may run containers"
    depends_on = (DockerInstalled.name,)

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def check(self) -> CheckResult:
        host = docker_client.endpoint(self._docker)
        path = host.removeprefix("unix://")
        if path == host:
            return CheckResult(True, f"{host} is no socket of this machine")
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(docker_client.ANSWER)
                client.connect(path)
        except PermissionError:
            return CheckResult(False, f"permission denied on {path}", self._remedy(Path(path)))
        except OSError:  # no daemon; the next requirement reports that
            return CheckResult(True, f"nothing listens on {path} yet")
        return CheckResult(True, f"{path} is open to us")

    @staticmethod
    def _remedy(path: Path) -> str:
        try:
            group = grp.getgrgid(path.stat().st_gid)
            user = pwd.getpwuid(os.getuid()).pw_name
        except (OSError, KeyError):
            return "run this as root (sudo)"
        if group.gr_gid == 0:
            return "run this as root (sudo)"
        if user in group.gr_mem:
            return f"log in again, or run `newgrp {group.gr_name}`: you are in the group since"
        add = f"sudo usermod --append --groups {group.gr_name} {user}"
        return f"`{add}`, then log in again (the group is as good as root); or run this as root"


class DaemonAnswers:
    """A daemon that answers; `fix` starts it if it is this machine's own."""

    name = "Docker daemon"
    why = "it runs the nodes and keeps the images"
    depends_on = (DockerInstalled.name, SocketPermission.name)

    def __init__(
        self, docker: Docker, place: docker_daemon.DaemonPaths = docker_daemon.HOST
    ) -> None:
        self._docker, self._place = docker, place

    def check(self) -> CheckResult:
        host, answer = docker_client.endpoint(self._docker), docker_client.ask(self._docker)
        if answer.ok:
            return CheckResult(True, f"version {answer.stdout.strip()} at {host}")
        seen = answer.stderr.strip().splitlines()[-1:] or [f"no answer at {host}"]
        return CheckResult(False, seen[0], self._remedy(host))

    def fix(self, notify: Notify) -> None:
        if not self._place.serves(docker_client.endpoint(self._docker)):
            raise not_fixable(self.name, self.why, self.check())
        docker_daemon.start(self._place, notify)

    def _remedy(self, host: str) -> str:
        if self._place.serves(host):
            return f"`{docker_daemon.by_hand()}`" if os.geteuid() else _FIX
        return f"start the Docker at {host}, or choose another (DOCKER_HOST, `docker context use`)"


class Privileged:
    """Privileged containers; the check starts one that has no files of its own.

    The image is an empty archive. The program is docker-init, which the daemon itself mounts
    into every container that runs with --init. Image and container are removed afterwards.
    """

    name = "privileged container"
    why = "a kind node is one: systemd and containerd run in it"
    depends_on = (DaemonAnswers.name,)

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    def check(self) -> CheckResult:
        result = self._run_privileged()
        if result.ok:
            return CheckResult(True, f"{result.stdout.strip()} ran in one")
        return CheckResult(False, _first_line(result.stderr), self._remedy())

    def fix(self, notify: Notify) -> None:
        """Install the wrapper; a running daemon is not restarted to use it."""
        wrapper = self._missing_wrapper()
        if wrapper or self._missing_capabilities():
            notify(f"installed {runtime_wrapper.install(wrapper)}")
        if not self.check().present:
            raise not_fixable(self.name, self.why, self.check())

    def _run_privileged(self) -> commands.Completed:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "empty.tar")
            archive.write_bytes(bytes(1024))  # only the end-of-archive marker of tar
            image = self._docker.run("import", archive).stdout.strip()
        try:
            options = ("--rm", "--init", "--privileged", "--network=none", image)
            return self._docker.run("run", *options, "/sbin/docker-init", "--version", check=False)
        finally:
            self._docker.run("image", "rm", "--force", image, check=False)

    def _missing_capabilities(self) -> list[str]:
        return sorted(host_missing()) if docker_client.nearby(self._docker) else []

    def _missing_wrapper(self) -> Path | None:
        """Return the wrapper's path if the daemon is configured with it but the file is gone."""
        info = docker_client.info(self._docker)
        path = (info.get("Runtimes") or {}).get(runtime_wrapper.RUNTIME, {}).get("path")
        missing = path and docker_client.nearby(self._docker) and not Path(path).exists()
        return Path(path) if missing else None

    def _remedy(self) -> str:
        if self._missing_wrapper():
            return f"{_FIX} puts back the OCI runtime that this daemon was started with"
        missing = self._missing_capabilities()
        if not missing:
            return "see Docker's words; rootless and userns-remap daemons cannot do it"
        path = runtime_wrapper.home()
        settings = {
            "runtimes": {runtime_wrapper.RUNTIME: {"path": str(path)}},
            "default-runtime": runtime_wrapper.RUNTIME,
        }
        first = "" if path.exists() else f"run {_FIX}, which makes {path}; "
        return (
            f"this machine lacks {', '.join(missing)}: {first}put {json.dumps(settings)} "
            f"into {docker_daemon.CONFIGURATION} and restart Docker (this tool restarts no daemon)"
        )


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "no word of why")
