"""A registry on this machine: Debian's docker-registry, as a process of ours and no service."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from harness.core import commands
from harness.core.errors import InfrastructureError
from harness.core.progress import Notify
from harness.infra.docker import LONG, Docker
from harness.infra.doctor import apt
from harness.suites.sources import server

_PACKAGE = "docker-registry"
_DIGEST = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})\b")
#: Seconds for the registry to listen.
_START = 30.0


def program(folder: Path, notify: Notify) -> Path:
    """The registry: PATH's, or out of Debian's package.

    The package is unpacked below `folder` and not installed: its service would start and stay.
    """
    found = commands.which(_PACKAGE)
    if found:
        return Path(found)
    if not apt.is_debian():
        raise InfrastructureError(
            "there is no container registry to run",
            expected=f"a program `{_PACKAGE}` on PATH",
            seen="none, and no apt-get to get it with",
            todo=apt.by_hand((_PACKAGE,)),
        )
    notify("apt-get update")
    # One broken source among many need not keep the package away: the download decides.
    commands.run(["apt-get", "update"], timeout=apt.UPDATE, check=False, on_line=notify)
    notify(f"apt-get download {_PACKAGE}")
    commands.run(["apt-get", "download", _PACKAGE], timeout=apt.INSTALL, cwd=folder, on_line=notify)
    (package,) = folder.glob(f"{_PACKAGE}_*.deb")
    commands.run(["dpkg-deb", "--extract", package, folder], timeout=60)
    return folder / "usr" / "bin" / _PACKAGE


def free_port() -> int:
    """A TCP port that nothing on this machine's loopback uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(registry: Path, storage: Path, port: int, netns: Path | None = None) -> Iterator[str]:
    """Serve what `storage` holds, for the length of the block; gives the address.

    It is the same address here and in another network namespace: Docker speaks plain http to
    all of 127.0.0.0/8, so one that was pushed to here is pulled from there.
    """
    address = f"127.0.0.1:{port}"
    configuration = storage.with_suffix(".yaml")
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {"addr": address},
    }
    configuration.write_text(yaml.safe_dump(settings))
    entering = ("nsenter", f"--net={netns}") if netns else ()
    words = (*entering, registry, "serve", configuration)
    with server.running(
        "the registry",
        words,
        lambda said: any("listening on" in line for line in said),
        timeout=_START,
    ):
        yield address


def push(docker: Docker, tag: str, address: str, notify: Notify) -> str:
    """Put the image `tag` into the registry at `address`; its reference there, by digest."""
    repository = f"{address}/{tag.rpartition(':')[0]}"
    name = f"{repository}:pushed"
    docker.tag(tag, name)
    try:
        notify(f"docker push {name}")
        said = docker.run("push", name, timeout=LONG, on_line=notify).stdout
    finally:
        docker.untag(name)
    digest = _DIGEST.search(said)
    if digest is None:
        raise InfrastructureError(
            f"docker push of {name} told no digest", expected="digest: sha256:…", seen=said
        )
    return f"{repository}@{digest[1]}"
