"""Needs that concern images, and the programs that make and load them."""

from __future__ import annotations

import os
from collections.abc import Callable

from harness.core import commands
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.doctor import apt
from harness.infra.doctor.docker_requirements import DaemonAnswers
from harness.infra.doctor.machine_requirements import FreeDisk
from harness.infra.doctor.manual_fix import ManualFix
from harness.infra.doctor.requirement import CheckResult, Requirement
from harness.infra.images import cluster_tools, sources
from harness.infra.images.sources import Images

#: Gigabytes of free disk that building every image takes.
BUILD_DISK = 15.0
#: Gigabytes that pulling or loading every image takes.
PULL_DISK = 8.0

ImagesOf = Callable[[], Images]


class _OfImages:
    """What these needs share: they rest on a daemon that answers."""

    depends_on: tuple[str, ...] = (DaemonAnswers.name,)

    def __init__(self, images: ImagesOf) -> None:
        self._images = images

    def _missing(self) -> tuple[str, ...]:
        images = self._images()
        return images.missing(*sources.final(images.catalogue))


class Room(_OfImages, ManualFix):
    """Free disk for images that are still to be made."""

    name = "disk for images"
    why = "making the images takes more room than having them"

    def __init__(self, docker: Docker, images: ImagesOf) -> None:
        super().__init__(images)
        self._docker = docker

    def check(self) -> CheckResult:
        """Present when nothing is to be made, or there is room for it."""
        if not self._missing():
            return CheckResult(True, "all images are here")
        wanted = BUILD_DISK if self._images().source == "packages" else PULL_DISK
        return FreeDisk(self._docker, wanted).check()


class Bootstrap(_OfImages):
    """debootstrap, where the base image is to be made of Debian's packages."""

    name = "debootstrap"
    why = "without a registry, the base image is made of Debian's packages"
    packages = ("debootstrap",)

    def check(self) -> CheckResult:
        """Present when the base image needs none."""
        images = self._images()
        if images.source != "packages" or not self._missing() or not images.missing("base"):
            return CheckResult(True, "not needed: the base image is here, or is pulled")
        program = commands.which("debootstrap")
        if program and os.geteuid() == 0:
            return CheckResult(True, program)
        seen = f"{program or 'no debootstrap on PATH'}, user id {os.geteuid()}"
        return CheckResult(False, seen, f"as root: {apt.by_hand(self.packages)}")

    def fix(self, tell: Notify) -> None:
        """Install it."""
        apt.install(self.packages, tell)


class Kind(_OfImages):
    """The kind program."""

    name = "kind"
    why = "makes the cluster, and loads images into its nodes"

    def check(self) -> CheckResult:
        """Present when there is one; kubectl comes out of the node image."""
        found = cluster_tools.kind_present(self._images())
        return CheckResult(found is not None, str(found or "none yet"), "" if found else _FIX)

    def fix(self, tell: Notify) -> None:
        """Take PATH's where that will do, or build it."""
        cluster_tools.kind(self._images(), tell)


class ImagesOfRoles(_OfImages):
    """Images of some roles, each under its tag in the Docker engine."""

    def __init__(self, name: str, why: str, images: ImagesOf, roles: tuple[str, ...]) -> None:
        super().__init__(images)
        self.name, self.why, self._roles = name, why, roles

    def check(self) -> CheckResult:
        """Present when every image of the roles is there."""
        images = self._images()
        wanted = images.catalogue.wanted(*self._roles)
        missing = images.missing(*wanted)
        if missing:
            todo = f"`queuejob images build {' '.join(missing)}`, or {_FIX}"
            return CheckResult(False, f"missing: {', '.join(missing)}", todo)
        return CheckResult(True, f"{', '.join(wanted)} (source: {images.source})")

    def fix(self, tell: Notify) -> None:
        """Pull or build those that are missing."""
        images = self._images()
        for name in images.missing(*images.catalogue.wanted(*self._roles)):
            images.provide(name, tell)


def needs(docker: Docker, images: ImagesOf) -> list[Requirement]:
    """In the order in which they can be got."""
    return [
        Room(docker, images),
        Bootstrap(images),
        Kind(images),
        ImagesOfRoles("node image", "each node is a container of it", images, ("node",)),
        ImagesOfRoles(
            "broker images", "Redis and RabbitMQ run in the cluster", images, ("broker",)
        ),
        ImagesOfRoles(
            "helper images", "Python with both clients; temporary pods", images, ("helper",)
        ),
        ImagesOfRoles("worker images", "what the Jobs run", images, ("worker",)),
    ]


_FIX = "`queuejob doctor --fix`"
