"""Start of the Docker daemon, in a way that lets it outlive this process.

The harness never touches a daemon that answers, no matter how it was started. All settings are
flags: the harness reads the machine's /etc/docker/daemon.json and never writes it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.core import commands
from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.core.user_dirs import state_folder
from harness.infra.docker import Docker
from harness.infra.doctor import runtime_wrapper, stale_daemon
from harness.infra.doctor.docker_client import ANSWER, ask
from harness.infra.doctor.oci_runtime import host_missing

#: Seconds from the start of a daemon to its first answer. The daemon first ends the containers
#: of a predecessor that was killed.
START = 120.0
#: Folders of system programs that the PATH of an ordinary user lacks.
SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
CONFIGURATION = Path("/etc/docker/daemon.json")
_TAIL_LINES = 15


@dataclass(frozen=True)
class DaemonPaths:
    """Paths of one daemon; the defaults are Docker's own. `flags` are more dockerd flags."""

    socket: Path = Path("/var/run/docker.sock")
    data_root: Path = Path("/var/lib/docker")
    exec_root: Path = Path("/var/run/docker")
    pidfile: Path = Path("/var/run/docker.pid")
    flags: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Return the daemon's address, as in DOCKER_HOST."""
        return f"unix://{self.socket}"

    def serves(self, host: str) -> bool:
        """Return whether `host` is this daemon's address (/run and /var/run are the same)."""
        path = host.removeprefix("unix://")
        return path != host and os.path.realpath(path) == os.path.realpath(self.socket)

    def arguments(self) -> tuple[str, ...]:
        """Return dockerd's flags; none for Docker's own paths, which daemon.json may change."""
        if self == HOST:
            return ()
        return (
            *("--host", self.host, "--data-root", str(self.data_root)),
            *("--exec-root", str(self.exec_root), "--pidfile", str(self.pidfile)),
            *self.flags,
        )


#: The machine's own daemon.
HOST = DaemonPaths()


def search_path() -> str:
    """Return PATH with the folders of system programs appended."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))


def program() -> str | None:
    """Return the path of dockerd, or None if this machine has none."""
    return commands.which("dockerd", path=search_path())


def start(place: DaemonPaths, notify: Notify) -> None:
    """Start the daemon of `place` and wait until it answers; do nothing if it answers already.

    Several processes may call this at the same time: one starts the daemon, the others wait.
    Raises `InfrastructureError` if the start needs root, or if the daemon does not come up.
    """
    docker = Docker(place.host)
    if ask(docker).ok:
        return
    if os.geteuid() != 0:
        raise InfrastructureError(
            "the Docker daemon does not run, and starting it takes root",
            expected=f"a Docker daemon that answers at {place.host}",
            seen=f"user id {os.geteuid()}",
            todo=f"run `{by_hand()}`",
        )
    with _start_lock(place, notify):
        if ask(docker).ok:
            return
        if place == HOST and has_unit():
            notify("systemctl start docker")
            commands.run(["systemctl", "start", "docker"], timeout=START)
            _wait(docker, place)
        elif pid := stale_daemon.running_daemon(place.pidfile):
            notify(f"waiting for the dockerd that is already there (process {pid})")
            _wait(docker, place)
        else:
            stale_daemon.clear(place.pidfile, place.exec_root, notify)
            _launch(docker, place, notify)


def by_hand() -> str:
    """Return the command with which a person starts the machine's daemon."""
    return "sudo systemctl start docker" if has_unit() else "sudo queuejob doctor --fix"


def has_unit() -> bool:
    """Return whether systemd runs this machine and knows a Docker service."""
    if not Path("/run/systemd/system").is_dir():  # the check of sd_booted(3)
        return False
    return commands.run(["systemctl", "cat", "docker.service"], timeout=ANSWER, check=False).ok


def runtime_flags(configuration: Path = CONFIGURATION) -> tuple[str, ...]:
    """Return the flags that put the OCI wrapper before runc, if the host lacks a capability.

    Empty if daemon.json configures runtimes: dockerd refuses a setting that is in both places.
    """
    if not host_missing():
        return ()
    try:
        settings = json.loads(configuration.read_text())
    except (OSError, ValueError):  # dockerd itself reports a broken file best
        settings = {}
    if {"runtimes", "default-runtime"} & set(settings):
        return ()
    name = runtime_wrapper.RUNTIME
    return ("--add-runtime", f"{name}={runtime_wrapper.install()}", "--default-runtime", name)


def _start_lock(place: DaemonPaths, notify: Notify) -> contextlib.AbstractContextManager[None]:
    """Return the start lock; it is next to the pid file, the path that all starters share."""
    file = place.pidfile.with_name(f"{place.pidfile.name}.queuejob.lock")
    return exclusive(file, "it starts the Docker daemon", timeout=2 * START, notify=notify)


def _launch(docker: Docker, place: DaemonPaths, notify: Notify) -> None:
    dockerd = program()
    if dockerd is None:
        raise InfrastructureError(
            "the Docker daemon cannot be started",
            expected=f"dockerd in one of {search_path()}",
            seen="no such program",
            todo="install Docker Engine (on Debian: `sudo apt-get install docker.io`)",
        )
    log = state_folder() / "dockerd.log"
    if log.exists():
        log.replace(log.with_name("dockerd.log.old"))
    # dockerd itself searches its PATH for iptables, containerd and docker-proxy.
    command = ("env", f"PATH={search_path()}", dockerd, *place.arguments(), *runtime_flags())
    notify(f"starting {dockerd}, log in {log}")
    process = commands.daemon(command, log=log)
    try:
        _wait(docker, place, process.poll, log)
    finally:
        # After a timeout dockerd goes on starting, and the next call finds it: a dockerd that was
        # ended during its start hung for two minutes. It shall outlive this process, so the
        # return code silences Python's warning about a child process that is still alive.
        process.returncode = process.returncode or 0


def _wait(
    docker: Docker,
    place: DaemonPaths,
    poll: Callable[[], int | None] = lambda: None,
    log: Path | None = None,
) -> None:
    """Wait until the daemon answers.

    Args:
        docker: The client of this daemon.
        place: The daemon's paths, for error messages.
        poll: Returns the daemon's exit code once it ended, None before.
        log: The daemon's log, for error messages.
    """

    def probe() -> None:
        answer = ask(docker)
        if answer.ok:
            return
        code = poll()
        if code is not None:
            raise InfrastructureError(
                f"dockerd ended with code {code} before it answered",
                expected=f"a Docker daemon at {place.host}",
                seen="the end of its log:\n" + _tail(log),
                todo=f"the whole log is {log}",
            )
        raise NotYet(answer.stderr.strip() + (f"\n{_tail(log)}" if log else ""))

    todo = f"see what the process in {place.pidfile} does, and end it if it hangs; then try again"
    wait_until(f"the Docker daemon to answer at {place.host}", probe, timeout=START, todo=todo)


def _tail(log: Path | None) -> str:
    """Return the last lines of dockerd's log, without level info where there are others."""
    lines = log.read_text(errors="replace").splitlines() if log else []
    relevant = [line for line in lines if "level=info" not in line] or lines
    return "\n".join(f"    {line}" for line in relevant[-_TAIL_LINES:])
