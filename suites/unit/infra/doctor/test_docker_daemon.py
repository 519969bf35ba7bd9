"""Starting a daemon, with programs that stand in for docker and dockerd."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import InfrastructureError
from harness.infra.doctor import docker_daemon
from harness.infra.doctor.docker_daemon import HOST, DaemonPaths

DOCKER = """#!/bin/sh
test -e {folder}/up && echo 20.10 && exit
echo 'Cannot connect to the Docker daemon.' >&2
exit 1
"""
DOCKERD = """#!/bin/bash
while [ $# -gt 0 ]; do case "$1" in --pidfile) pid="$2";; esac; shift; done
if [ -e "$pid" ]; then echo 'pid file found, ensure docker is not running'; exit 1; fi
echo $$ >> {folder}/started
printf $$ > "$pid"
echo 'level=info msg="Starting up"'
if [ -e {folder}/broken ]; then echo 'level=error msg="no room"'; exit 3; fi
sleep 0.2
touch {folder}/up
exec -a dockerd sleep 60
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonPaths]:
    """A place for a daemon, with the stand-ins on PATH; what was started is ended."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("docker", DOCKER), ("dockerd", DOCKERD)):
        (programs / name).write_text(text.format(folder=tmp_path))
        (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    yield DaemonPaths(tmp_path / "sock", tmp_path / "data", tmp_path / "exec", tmp_path / "pid")
    for pid in started(tmp_path):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def silent(line: str) -> None:
    """Takes news and does nothing with it."""


def started(folder: Path) -> list[int]:
    """The numbers of all stand-in daemons that were ever started."""
    file = folder / "started"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_a_second_start_does_nothing(place: DaemonPaths, tmp_path: Path) -> None:
    """A daemon that answers is left alone, and nothing is told."""
    told: list[str] = []
    docker_daemon.start(place, told.append)
    assert len(told) == 1
    docker_daemon.start(place, told.append)
    assert len(told) == 1
    assert len(started(tmp_path)) == 1


def test_starts_at_the_same_time_start_one(place: DaemonPaths, tmp_path: Path) -> None:
    """Those who wait for the lock find the daemon when they get it."""
    threads = [threading.Thread(target=docker_daemon.start, args=(place, silent)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(started(tmp_path)) == 1


def test_a_stale_pid_file_is_no_obstacle(place: DaemonPaths, tmp_path: Path) -> None:
    """Its number may be that of any live process: here, of this very test."""
    place.pidfile.write_text(str(os.getpid()))
    docker_daemon.start(place, silent)
    assert place.pidfile.read_text() == str(started(tmp_path)[0])


def test_a_daemon_that_dies_early_says_why(place: DaemonPaths, tmp_path: Path) -> None:
    """The reason is in its log, without the lines of its usual steps."""
    (tmp_path / "broken").touch()
    with pytest.raises(InfrastructureError) as raised:
        docker_daemon.start(place, silent)
    assert "dockerd ended with code 3" in raised.value.what
    assert 'level=error msg="no room"' in raised.value.seen
    assert "Starting up" not in raised.value.seen
    assert str(tmp_path / "state" / "dockerd.log") in raised.value.todo


def test_without_root_it_says_what_to_run(
    place: DaemonPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tried that would fail half-way."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(InfrastructureError) as raised:
        docker_daemon.start(place, silent)
    assert "sudo" in raised.value.todo
    assert started(tmp_path) == []


def test_flags_of_a_place() -> None:
    """The machine's own daemon gets none: daemon.json may hold the same settings."""
    assert HOST.arguments() == ()
    other = DaemonPaths(Path("/s"), Path("/d"), Path("/e"), Path("/p"), ("--bridge=none",))
    words = "--host unix:///s --data-root /d --exec-root /e --pidfile /p --bridge=none"
    assert other.arguments() == tuple(words.split())


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("unix:///var/run/docker.sock", True),
        ("unix:///run/user/1000/docker.sock", False),
        ("tcp://10.0.0.1:2376", False),
        ("ssh://me@far", False),
        ("", False),
    ],
)
def test_only_the_own_socket_is_ours_to_start(host: str, ours: bool) -> None:
    """A rootless daemon, Docker Desktop or a remote engine is only ever looked at."""
    assert HOST.serves(host) is ours


def test_runtime_flags_yield_to_daemon_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dockerd refuses to start when flag and file set the same thing."""
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(docker_daemon, "host_missing", lambda: frozenset({"CAP_SYS_RESOURCE"}))
    file, path = tmp_path / "daemon.json", tmp_path / "state" / "oci-runtime"
    ours = ("--add-runtime", f"queuejob={path}", "--default-runtime", "queuejob")
    assert docker_daemon.runtime_flags(file) == ours
    assert path.exists()
    file.write_text('{"log-driver": "local"}')
    assert docker_daemon.runtime_flags(file) == ours
    file.write_text('{"default-runtime": "crun"}')
    assert docker_daemon.runtime_flags(file) == ()
    monkeypatch.setattr(docker_daemon, "host_missing", frozenset)
    assert docker_daemon.runtime_flags(tmp_path / "none") == ()
