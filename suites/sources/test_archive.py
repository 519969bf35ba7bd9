"""The archive source: one file is enough where nothing at all can be reached."""

from __future__ import annotations

import sys

from allure import step

from harness.core import commands
from harness.core.progress import Progress
from harness.infra.images import sources
from harness.infra.images.sources import Images
from harness.suites.sources.machine import LONG, QUEUEJOB, Machine, told

#: Addresses that exist nowhere (RFC 5737, RFC 3849), for whatever route there may be.
_ANYWHERE = ("203.0.113.1", "2001:db8::1")
_CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 443), 5)"


def test_runs_from_one_file(
    images: Images, isolated: Machine, progress: Progress, page: str
) -> None:
    """Saved here, loaded on an empty machine without a route; the fine page runs there."""
    file = isolated.folder / "images.tar"
    with step("save"), progress.step("queuejob images save") as notify:
        commands.run((QUEUEJOB, "images", "save", file), timeout=LONG, on_line=notify)
        progress.note(f"the archive has {file.stat().st_size / 1e6:.0f} MB")

    with step("The other machine is empty, and reaches nothing"):
        assert isolated.docker.run("image", "ls", "--quiet", "--all").stdout == ""
        assert_nothing_is_reached(isolated)

    with step("load"), progress.step("queuejob images load") as notify:
        done = isolated.run(QUEUEJOB, "images", "load", file, notify=notify)
        assert done.code == 0, told(done)

    with step("Every image is there, under its name and with its content"):
        for name in sources.final(images.catalogue):
            tag = images.catalogue.tag(name)
            assert isolated.docker.image_id(tag) == images.docker.image_id(tag), name

    with step("The fine page runs"), progress.step("the fine page, from the archive") as notify:
        source = ("--queuejob-images=archive", f"--queuejob-archive={file}")
        done = isolated.pytest(page, *source, notify=notify)
        assert done.code == 0, told(done)
        assert "1 passed" in done.stdout, told(done)

    with step("It still reaches nothing, and no container is left"):
        assert_nothing_is_reached(isolated)
        assert isolated.docker.containers() == []


def assert_nothing_is_reached(machine: Machine) -> None:
    """No route leads anywhere: the kernel itself says so."""
    for address in _ANYWHERE:
        done = machine.run(sys.executable, "-c", _CONNECT, address)
        assert "Network is unreachable" in done.stderr, told(done)
