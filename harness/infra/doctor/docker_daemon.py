"""The Docker daemon: is it there, and if not, how it is started so that it outlives us.

A daemon that answers is never touched, whoever started it. All settings are flags: the
machine's /etc/docker/daemon.json is read, never written.
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

#: Seconds for a daemon to answer once it was started; it first ends the containers of a
#: predecessor that was killed.
START = 120.0
#: Folders of system programs that a PATH without root's part lacks.
SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
CONFIGURATION = Path("/etc/docker/daemon.json")
_TAIL = 15


@dataclass(frozen=True)
class Place:
    """Where one daemon lives; the defaults are Docker's own. `flags` are more dockerd flags."""

    socket: Path = Path("/var/run/docker.sock")
    data_root: Path = Path("/var/lib/docker")
    exec_root: Path = Path("/var/run/docker")
    pidfile: Path = Path("/var/run/docker.pid")
    flags: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The daemon's address, as in DOCKER_HOST."""
        return f"unix://{self.socket}"

    def serves(self, host: str) -> bool:
        """Whether the address `host` is this daemon's (/run and /var/run are the same)."""
        path = host.removeprefix("unix://")
        return path != host and os.path.realpath(path) == os.path.realpath(self.socket)

    def arguments(self) -> tuple[str, ...]:
        """dockerd's flags. Docker's own place needs none: daemon.json may set it otherwise."""
        if self == HOST:
            return ()
        return (
            *("--host", self.host, "--data-root", str(self.data_root)),
            *("--exec-root", str(self.exec_root), "--pidfile", str(self.pidfile)),
            *self.flags,
        )


#: The machine's own daemon.
HOST = Place()


def search_path() -> str:
    """PATH, and the folders of system programs."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM))


def program() -> str | None:
    """The path of dockerd, if it is on this machine."""
    return commands.which("dockerd", path=search_path())


def start(place: Place, tell: Notify) -> None:
    """Have the daemon of `place` answer; it is left alone when it does so already.

    Safe from several processes at once: one starts it, the others wait for that. Raises
    `InfrastructureError` when this takes root, or when the daemon does not come up.
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
    with _alone(place, tell):
        if ask(docker).ok:
            return
        if place == HOST and has_unit():
            tell("systemctl start docker")
            commands.run(["systemctl", "start", "docker"], timeout=START)
            _wait(docker, place)
        elif pid := stale_daemon.running_daemon(place.pidfile):
            tell(f"waiting for the dockerd that is already there (process {pid})")
            _wait(docker, place)
        else:
            stale_daemon.clear(place.pidfile, place.exec_root, tell)
            _launch(docker, place, tell)


def by_hand() -> str:
    """The command with which a person starts the machine's daemon."""
    return "sudo systemctl start docker" if has_unit() else "sudo queuejob doctor --fix"


def has_unit() -> bool:
    """Whether systemd runs this machine and knows a Docker service."""
    if not Path("/run/systemd/system").is_dir():  # what sd_booted(3) looks at
        return False
    return commands.run(["systemctl", "cat", "docker.service"], timeout=ANSWER, check=False).ok


def runtime_flags(configuration: Path = CONFIGURATION) -> tuple[str, ...]:
    """The flags that put the OCI wrapper before runc, where the host lacks a capability.

    None where daemon.json chooses runtimes itself: dockerd refuses to be told twice.
    """
    if not host_missing():
        return ()
    try:
        chosen = json.loads(configuration.read_text())
    except (OSError, ValueError):  # dockerd itself says best what is wrong with the file
        chosen = {}
    if {"runtimes", "default-runtime"} & set(chosen):
        return ()
    name = runtime_wrapper.RUNTIME
    return ("--add-runtime", f"{name}={runtime_wrapper.install()}", "--default-runtime", name)


def _alone(place: Place, tell: Notify) -> contextlib.AbstractContextManager[None]:
    """Beside the pid file, for that is what all who may start this daemon have in common."""
    file = place.pidfile.with_name(f"{place.pidfile.name}.queuejob.lock")
    return exclusive(file, "it starts the Docker daemon", timeout=2 * START, tell=tell)


def _launch(docker: Docker, place: Place, tell: Notify) -> None:
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
    # dockerd itself looks for iptables, containerd and docker-proxy on its PATH.
    words = ("env", f"PATH={search_path()}", dockerd, *place.arguments(), *runtime_flags())
    tell(f"starting {dockerd}, log in {log}")
    process = commands.daemon(words, log=log)
    try:
        _wait(docker, place, process.poll, log)
    finally:
        # When the wait is given up, dockerd is left to come up by itself, and the next call finds
        # it: a dockerd that is ended while it starts was seen to hang half-way for two minutes.
        # Python warns of a child that is forgotten while it lives; this one shall outlive us.
        process.returncode = process.returncode or 0


def _wait(
    docker: Docker,
    place: Place,
    poll: Callable[[], int | None] = lambda: None,
    log: Path | None = None,
) -> None:
    """Wait until the daemon answers; `poll` gives its exit code as soon as it has ended."""

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
    """The last lines of dockerd's log that tell of more than its usual steps."""
    lines = log.read_text(errors="replace").splitlines() if log else []
    telling = [line for line in lines if "level=info" not in line] or lines
    return "\n".join(f"    {line}" for line in telling[-_TAIL:])
