"""Each need of a machine, with what Docker and the kernel say written out."""

from __future__ import annotations

import json
import os
import platform
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.core import commands
from harness.core.errors import CommandFailed, InfrastructureError
from harness.infra.docker import Docker
from harness.infra.doctor import apt, docker_daemon, host_requirements
from harness.infra.doctor.docker_requirements import (
    DaemonAnswers,
    DockerInstalled,
    Privileged,
    SocketPermission,
)
from harness.infra.doctor.machine_requirements import (
    FreeDisk,
    FreeMemory,
    Inotify,
    OpenFiles,
    available_memory,
    open_file_limit,
)
from harness.infra.doctor.requirement import Requirement

CAPS = "docker: Error response from daemon: … unable to apply caps: operation not permitted\n\nRun…"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."


class Said(Docker):
    """A Docker client that says what the test tells it to; an absent answer is a failure."""

    def __init__(
        self,
        endpoint: str = "unix:///var/run/docker.sock",
        version: str = "20.10.24",
        info: Mapping[str, Any] | None = None,
        run: str = "tini version 0.19.0",
        error: str = "",
    ) -> None:
        super().__init__()
        facts = {"KernelVersion": platform.release(), "DockerRootDir": "/", "MemTotal": 2 * 10**9}
        self._error = error
        self._answers = {
            "context": endpoint,
            "version": version,
            "info": json.dumps({**facts, **(info or {})}),
            "import": "sha256:e",
            "run": run,
            "image": "Deleted",
        }
        self.asked: list[tuple[str, ...]] = []

    def run(
        self,
        *arguments: str | Path,
        timeout: float = 1.0,
        check: bool = True,
        on_line: Callable[[str], None] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> commands.Completed:
        words = tuple(str(word) for word in arguments)
        self.asked.append(words)
        answer = self._answers[words[0]]
        if not answer and check:
            raise CommandFailed("docker failed", seen=self._error)
        return commands.Completed(words, 0 if answer else 1, answer, self._error, 0.1)


def silent(line: str) -> None:
    """Takes news and does nothing with it."""


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What is on PATH: docker and dockerd, unless a test takes them away."""
    there = {"docker": "/usr/bin/docker", "dockerd": "/usr/sbin/dockerd", "apt-get": "/bin/apt"}
    monkeypatch.setattr(commands, "which", lambda name, **_: there.get(name))
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path))
    return there


def test_docker_installed(programs: dict[str, str]) -> None:
    """A client alone is enough where the engine is somewhere else, or answers already."""
    finding = DockerInstalled(Said()).check()
    assert (finding.present, finding.seen) == (
        True,
        "client /usr/bin/docker, daemon /usr/sbin/dockerd",
    )
    del programs["dockerd"]
    assert DockerInstalled(Said()).check().present
    assert DockerInstalled(Said("tcp://far:2376", version="")).check().present
    assert not DockerInstalled(Said(version="")).check().present
    del programs["docker"]
    finding = DockerInstalled(Said()).check()
    assert (finding.present, finding.seen) == (False, "no `docker` on PATH")
    assert "sudo apt-get install --no-install-recommends docker.io iptables" in finding.todo


def test_packages_without_root_or_debian(
    programs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to run, and runs nothing."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(InfrastructureError) as raised:
        apt.install(("docker.io",), silent)
    assert raised.value.todo == (
        "`sudo apt-get update && sudo apt-get install --no-install-recommends docker.io`"
    )
    del programs["apt-get"]
    with pytest.raises(InfrastructureError) as raised:
        apt.install(("docker.io",), silent)
    assert "this system's package manager" in raised.value.todo


def test_socket_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No permission is told apart from no daemon."""
    path = tmp_path / "docker.sock"
    need = SocketPermission(Said(f"unix://{path}"))
    assert need.check().seen == f"nothing listens on {path} yet"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert need.check().seen == f"{path} is open to us"
        assert need.check().present
    assert need.check().seen == f"nothing listens on {path} yet"
    assert SocketPermission(Said("tcp://far:2376")).check().present

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    finding = need.check()
    assert (finding.present, finding.seen) == (False, f"permission denied on {path}")
    assert "as root" in finding.todo
    with pytest.raises(InfrastructureError, match="permission denied"):
        need.fix(silent)


def test_daemon_answers() -> None:
    """Only the machine's own daemon is ever started."""
    assert DaemonAnswers(Said()).check().seen == "version 20.10.24 at unix:///var/run/docker.sock"
    finding = DaemonAnswers(Said(version="", error=DOWN)).check()
    assert (finding.present, finding.seen) == (False, DOWN)
    assert "queuejob doctor --fix" in finding.todo or "systemctl" in finding.todo
    far = DaemonAnswers(Said("tcp://far:2376", version="", error=DOWN))
    assert far.check().todo.startswith("start the Docker at tcp://far:2376")
    with pytest.raises(InfrastructureError, match="tcp://far"):
        far.fix(silent)


def test_privileged_container_leaves_nothing() -> None:
    """The image is removed whether or not the container could start."""
    for docker in (Said(), Said(run="", error=CAPS)):
        finding = Privileged(docker).check()
        assert finding.present is bool(docker._answers["run"])
        assert ("image", "rm", "--force", "sha256:e") in docker.asked


def test_privileged_container_that_a_foreign_daemon_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapper is installed; what remains is for the owner of the daemon to do."""
    target = "harness.infra.doctor.docker_requirements.host_missing"
    monkeypatch.setattr(target, lambda: frozenset({"CAP_SYS_RESOURCE"}))
    need = Privileged(Said(run="", error=CAPS))
    assert need.check().seen == CAPS.splitlines()[0]
    assert f"run `queuejob doctor --fix`, which makes {tmp_path}/oci-runtime" in need.check().todo
    with pytest.raises(InfrastructureError) as raised:
        need.fix(silent)
    settings = {
        "runtimes": {"queuejob": {"path": f"{tmp_path}/oci-runtime"}},
        "default-runtime": "queuejob",
    }
    assert "this machine lacks CAP_SYS_RESOURCE: put " in raised.value.todo
    assert json.dumps(settings) in raised.value.todo
    assert (tmp_path / "oci-runtime").exists()


def test_a_wrapper_that_was_deleted_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon need not be restarted for that."""
    monkeypatch.setattr("harness.infra.doctor.docker_requirements.host_missing", frozenset)
    lost = tmp_path / "elsewhere" / "oci-runtime"
    info = {"Runtimes": {"runc": {"path": "runc"}, "queuejob": {"path": str(lost)}}}
    assert "puts back" in Privileged(Said(info=info, run="", error="no such file")).check().todo
    Privileged(Said(info=info)).fix(silent)
    assert lost.exists()


@pytest.mark.parametrize(("gigabytes", "present"), [(0.0, True), (10.0**6, False)])
def test_free_disk(gigabytes: float, present: bool) -> None:
    """Of the file system that Docker's folder is on."""
    need = FreeDisk(Said(), gigabytes)
    finding = need.check()
    assert finding.present is present
    assert finding.seen.endswith(f"GB in /, at least {gigabytes:g} GB needed")
    assert bool(finding.todo) is not present
    if not present:
        with pytest.raises(InfrastructureError, match="make room on the disk of /"):
            need.fix(silent)


def test_disk_and_memory_of_another_machine() -> None:
    """Its disk cannot be seen from here; its memory is what Docker says."""
    far = Said("tcp://far:2376", info={"DockerRootDir": "/var/lib/docker"})
    finding = FreeDisk(far, 10.0**6).check()
    assert finding.seen == "/var/lib/docker is not on this machine: not looked at"
    finding = FreeMemory(far).check()
    assert (finding.present, finding.seen) == (False, "2.0 GB, at least 3 GB needed")
    assert Inotify(far, Path("/nowhere")).check().present
    assert OpenFiles(far).check().present


def test_figures_of_the_kernel() -> None:
    """Literal lines of /proc/meminfo and /proc/PID/limits."""
    meminfo = "MemTotal:   24684096 kB\nMemFree:  1 kB\nMemAvailable:   23933952 kB\n"
    assert available_memory(meminfo) == 23933952 * 1024
    line = "Max open files            {}                {}                files     \n"
    assert open_file_limit(line.format(1024, 20000)) == 20000
    assert open_file_limit(line.format(1024, "unlimited")) == float("inf")


@pytest.mark.parametrize(
    ("instances", "watches", "present", "todo"),
    [
        (512, 524288, True, ""),
        (511, 524288, False, "`sudo sysctl fs.inotify.max_user_instances=512`"),
        (
            8,
            100,
            False,
            "`sudo sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288`",
        ),
    ],
)
def test_inotify_limits(
    tmp_path: Path, instances: int, watches: int, present: bool, todo: str
) -> None:
    """Who may raise them gets what kind advises; `fix` never lowers one."""
    (tmp_path / "max_user_instances").write_text(f"{instances}\n")
    (tmp_path / "max_user_watches").write_text(f"{watches}\n")
    need = Inotify(Said(), tmp_path)
    finding = need.check()
    assert (finding.present, finding.todo) == (present, todo)
    need.fix(silent)
    assert need.check().present
    (tmp_path / "max_user_watches").write_text("1048576")
    need.fix(silent)
    assert (tmp_path / "max_user_watches").read_text() == "1048576"
    assert (tmp_path / "max_user_instances").read_text().strip() == "512"


@pytest.mark.parametrize(("instances", "present"), [(128, True), (127, False)])
def test_inotify_limits_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instances: int, present: bool
) -> None:
    """Who may not raise them can go on with what one quiet cluster needs."""
    (tmp_path / "max_user_instances").write_text(f"{instances}\n")
    (tmp_path / "max_user_watches").write_text("8192\n")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert Inotify(Said(), tmp_path).check().present is present


def test_inotify_limits_that_may_not_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without root, or in a container where /proc/sys is read-only also for root."""
    (tmp_path / "max_user_instances").write_text("8")
    (tmp_path / "max_user_watches").write_text("524288")

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(InfrastructureError) as raised:
        Inotify(Said(), tmp_path).fix(silent)
    assert "Read-only file system" in raised.value.seen
    assert raised.value.todo == "`sudo sysctl fs.inotify.max_user_instances=512`"


def test_open_files(tmp_path: Path) -> None:
    """Without a dockerd, what counts is what one would inherit from us."""
    place = docker_daemon.DaemonPaths(pidfile=tmp_path / "none")
    finding = OpenFiles(Said(), place).check()
    assert " for this process, 4096 needed" in finding.seen


def test_all_needs_are_needs() -> None:
    """Names are what other needs rest on: each is there, once, and above."""
    seen: list[str] = []
    for need in host_requirements.needs(Said()):
        assert isinstance(need, Requirement)
        assert set(getattr(need, "rests_on", ())) <= set(seen)
        seen.append(need.name)
    assert len(seen) == len(set(seen)) == 8
