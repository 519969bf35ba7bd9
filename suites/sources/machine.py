"""A machine within this one: an empty Docker daemon, empty folders, a network of its own.

All of it is gone at the end. What a run that was killed has left is found, for it is always at
the same place, and removed by the next run.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.core import commands, user_dirs
from harness.core.errors import InfrastructureError
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.doctor import docker_client, docker_daemon, stale_daemon
from harness.infra.doctor.docker_daemon import DaemonPaths
from harness.infra.images.build import unmount_below
from harness.suites.sources import server

#: The programs of the environment that runs these tests. (`python -m pytest` would take a
#: checkout's `harness`, where it stands in one, for the installed one.)
QUEUEJOB, PYTEST = (Path(sys.executable).with_name(name) for name in ("queuejob", "pytest"))
#: Seconds for one command: the longest fills a daemon, makes a cluster and runs a page on it.
LONG = 1800.0
#: Sockets have short paths, and this one is emptied by a restart, as they are.
_RUN = Path("/run/queuejob-sources")
_PIDFILE = "docker.pid"


@dataclass(frozen=True)
class Machine:
    """Its network namespace's file, its Docker daemon (`host` as in DOCKER_HOST), its folder.

    The folder goes with it; `out` stays when a test fails.
    """

    netns: Path
    docker: Docker
    host: str
    folder: Path
    out: Path

    def run(self, *words: str | Path, notify: Notify | None = None) -> commands.Completed:
        """Run a command there, and return what it said, whatever its exit code is."""
        environment = {
            "DOCKER_HOST": self.host,
            "QUEUEJOB_CACHE": str(self.folder / "cache"),
            "QUEUEJOB_STATE": str(self.folder / "state"),
        }
        # Not `ip netns exec`: it mounts another /sys, without the cgroups that nodes need.
        entered = ("nsenter", f"--net={self.netns}", *words)
        return commands.run(entered, timeout=LONG, check=False, env=environment, on_line=notify)

    def pytest(self, *words: str | Path, notify: Notify) -> commands.Completed:
        """Run tests there, on a cluster of their own."""
        cluster = (f"--queuejob-cluster={_RUN.name}", "--queuejob-keep=never")
        out = f"--queuejob-out={self.out / 'inner'}"
        return self.run(PYTEST, "-p", "no:cacheprovider", *cluster, out, *words, notify=notify)


def told(done: commands.Completed) -> str:
    """All that a command said, for the message of an assertion."""
    return f"exit code {done.code} of {' '.join(done.argv)}\n{done.stdout}{done.stderr}"


@contextmanager
def machine(netns: Path, out: Path, notify: Notify) -> Iterator[Machine]:
    """The machine for as long as the block lasts; what it leaves for a look goes to `out`."""
    folder, log = user_dirs.cache_folder() / "sources", out / "dockerd.log"
    if pid := stale_daemon.running_daemon(_RUN / _PIDFILE):
        raise InfrastructureError(
            "there is a second Docker daemon already",
            expected=f"no dockerd at {_RUN}",
            seen=f"process {pid}",
            todo=f"end it: `kill {pid}`",
        )
    if folder.exists():
        notify(f"removing {folder}, left by a run that was killed")
        with _running(_place(folder), netns, log, notify):
            pass  # which ends the containers that it finds
        _wipe(folder)
    try:
        place = _place(folder)
        with _running(place, netns, log, notify) as docker:
            yield Machine(netns, docker, place.host, folder, out)
    finally:
        _wipe(folder)


def _place(folder: Path) -> DaemonPaths:
    # The machine's own daemon.json may hold what is given as a flag here; and its containerd,
    # where that is a service, is everybody's.
    _RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = _RUN / "daemon.json"
    configuration.write_text("{}")
    return DaemonPaths(
        socket=_RUN / "docker.sock",
        data_root=folder / "docker",
        exec_root=_RUN / "exec",
        pidfile=_RUN / _PIDFILE,
        flags=(
            *("--config-file", str(configuration)),
            *("--containerd-namespace", _RUN.name),
            *("--containerd-plugins-namespace", f"{_RUN.name}-plugins"),
            *docker_daemon.runtime_flags(configuration),
        ),
    )


@contextmanager
def _running(place: DaemonPaths, netns: Path, log: Path, notify: Notify) -> Iterator[Docker]:
    """The daemon for as long as the block lasts; no container outlives it."""
    stale_daemon.clear(place.pidfile, place.exec_root, notify)
    docker = Docker(place.host)
    words = ("nsenter", f"--net={netns}", docker_daemon.program() or "dockerd", *place.arguments())
    with server.running(
        "a second Docker daemon",
        words,
        lambda _: docker_client.ask(docker).ok,
        timeout=docker_daemon.START,
    ) as said:
        try:
            yield docker
        finally:
            log.write_text("\n".join(said))
            docker.remove_containers(*(c["Id"] for c in docker.containers()))


def _wipe(folder: Path) -> None:
    for tree in (_RUN, folder):
        unmount_below(tree)
        if tree.exists():
            shutil.rmtree(tree)
