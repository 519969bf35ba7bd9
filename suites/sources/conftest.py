"""Machines to try image sources on, and the images of this one."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.commands import which
from harness.core.errors import UsageError
from harness.core.file_lock import exclusive
from harness.core.progress import Progress
from harness.fixtures.session.stash import INFRASTRUCTURE
from harness.infra.doctor import apt, docker_daemon
from harness.infra.images import cluster_tools
from harness.infra.images.sources import Images
from harness.infra.infrastructure import Infrastructure
from harness.infra.settings import Settings
from harness.suites.sources import network
from harness.suites.sources.machine import Machine, machine

#: Seconds to wait for another process that runs these tests.
_TURN = 7200.0
_LOCK = Path("/run/lock/queuejob-sources.lock")


def pytest_keyboard_interrupt() -> None:
    """Let no second Ctrl-C (tox sends one) stop the removal of all that a test has made."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Progress:
    """Tells a person what goes on, and for how long."""
    return request.config.stash[INFRASTRUCTURE].progress


@pytest.fixture(scope="session", autouse=True)
def alone(progress: Progress) -> Iterator[None]:
    """Root on Linux, with root's PATH; one process at a time, for all has a fixed place."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise UsageError(
            "these tests start a Docker daemon of their own, in a network namespace",
            expected="root on Linux",
            seen=f"user id {os.geteuid()} on {platform.system()}",
            todo="run `tox -e sources` as root on a Linux machine",
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", docker_daemon.search_path())
        with exclusive(_LOCK, "it tries image sources", timeout=_TURN, notify=progress.note):
            if which("ip") is None:
                with progress.step("getting what is missing: ip") as notify:
                    apt.install(("iproute2",), notify)
            yield


@pytest.fixture(scope="session")
def images(progress: Progress) -> Images:
    """All images, in this machine's own Docker, from wherever it can have them."""
    bench = Infrastructure(Settings(), progress)
    bench.install_missing()
    return bench.images


@pytest.fixture
def isolated(progress: Progress, test_folder: Path) -> Iterator[Machine]:
    """An empty machine that reaches nothing at all."""
    with network.isolated() as netns, machine(netns, test_folder, progress.note) as made:
        yield made


@pytest.fixture
def connected(progress: Progress, test_folder: Path) -> Iterator[Machine]:
    """An empty machine that reaches what this one reaches."""
    with network.connected() as netns, machine(netns, test_folder, progress.note) as made:
        yield made


@pytest.fixture
def kind_on_path(images: Images, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's kind where a person has theirs: what is pulled then takes no Go."""
    folder = cluster_tools.kind(images, progress.note).parent
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.fixture
def page() -> str:
    """The fine task page, from its beginning to its end, as pytest is told of it."""
    return f"{Path(__file__).parents[1] / 'tutorial' / 'test_fine.py'}::test_page"
