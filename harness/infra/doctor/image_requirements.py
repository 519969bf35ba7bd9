"""Requirements on images, and on the programs that build and load them."""

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

#: Gigabytes of free disk needed to build every image.
BUILD_DISK = 15.0
#: Gigabytes of free disk needed to pull or load every image.
PULL_DISK = 8.0

ImagesOf = Callable[[], Images]


class _ImageRequirement:
    """Base of the requirements on images: they depend on a daemon that answers."""

    depends_on: tuple[str, ...] = (DaemonAnswers.name,)

    def __init__(self, images: ImagesOf) -> None:
        self._images = images

    def _missing(self) -> tuple[str, ...]:
        images = self._images()
        return images.missing(*sources.final(images.catalogue))


class BuildDisk(_ImageRequirement, ManualFix):
    """Free disk for the images that are still missing."""

    name = "disk for images"
    why = "making the images takes more room than having them"

    def __init__(self, docker: Docker, images: ImagesOf) -> None:
        super().__init__(images)
        self._docker = docker

    def check(self) -> CheckResult:
        """Present if no image is missing, or the disk has room for them."""
        if not self._missing():
            return CheckResult(True, "all images are here")
        wanted = BUILD_DISK if self._images().source == "packages" else PULL_DISK
        return FreeDisk(self._docker, wanted).check()


class Bootstrap(_ImageRequirement):
    """debootstrap, if the base image has to be built from Debian packages."""

    name = "debootstrap"
    why = "without a registry, the base image is made of Debian's packages"
    packages = ("debootstrap",)

    def check(self) -> CheckResult:
        """Present if the base image does not need debootstrap, or root can run it."""
        images = self._images()
        if images.source != "packages" or not self._missing() or not images.missing("base"):
            return CheckResult(True, "not needed: the base image is here, or is pulled")
        program = commands.which("debootstrap")
        if program and os.geteuid() == 0:
            return CheckResult(True, program)
        seen = f"{program or 'no debootstrap on PATH'}, user id {os.geteuid()}"
        return CheckResult(False, seen, f"as root: {apt.by_hand(self.packages)}")

    def fix(self, notify: Notify) -> None:
        """Install debootstrap with apt-get."""
        apt.install(self.packages, notify)


class Kind(_ImageRequirement):
    """The kind program."""

    name = "kind"
    why = "makes the cluster, and loads images into its nodes"

    def check(self) -> CheckResult:
        """Present if there is a kind program; kubectl comes out of the node image."""
        program = cluster_tools.kind_present(self._images())
        return CheckResult(program is not None, str(program or "none yet"), "" if program else _FIX)

    def fix(self, notify: Notify) -> None:
        """Use the kind on PATH if it is suitable, or build one."""
        cluster_tools.kind(self._images(), notify)


class ImagesOfRoles(_ImageRequirement):
    """All images of some roles, each under its tag in the Docker engine."""

    def __init__(self, name: str, why: str, images: ImagesOf, roles: tuple[str, ...]) -> None:
        super().__init__(images)
        self.name, self.why, self._roles = name, why, roles

    def check(self) -> CheckResult:
        """Present if the engine has every image of the roles."""
        images = self._images()
        wanted = images.catalogue.wanted(*self._roles)
        missing = images.missing(*wanted)
        if missing:
            todo = f"`queuejob images build {' '.join(missing)}`, or {_FIX}"
            return CheckResult(False, f"missing: {', '.join(missing)}", todo)
        return CheckResult(True, f"{', '.join(wanted)} (source: {images.source})")

    def fix(self, notify: Notify) -> None:
        """Pull or build the missing images."""
        images = self._images()
        for name in images.missing(*images.catalogue.wanted(*self._roles)):
            images.provide(name, notify)


def needs(docker: Docker, images: ImagesOf) -> list[Requirement]:
    """Return the requirements in the order in which they can be fixed."""
    return [
        BuildDisk(docker, images),
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
