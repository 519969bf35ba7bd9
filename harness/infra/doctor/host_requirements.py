"""All that a machine must have before any image or cluster is on it."""

from __future__ import annotations

from harness.infra.docker import Docker
from harness.infra.doctor.docker_requirements import (
    DaemonAnswers,
    DockerInstalled,
    Privileged,
    SocketPermission,
)
from harness.infra.doctor.machine_requirements import FreeDisk, FreeMemory, Inotify, OpenFiles
from harness.infra.doctor.requirement import Requirement

#: Gigabytes of free disk for images and cluster, and for building all of them as well.
RUN_DISK = 6.0
BUILD_DISK = 15.0


def needs(docker: Docker, gigabytes: float = RUN_DISK) -> tuple[Requirement, ...]:
    """In the order in which they can be got; `gigabytes` of free disk."""
    return (
        DockerInstalled(docker),
        SocketPermission(docker),
        DaemonAnswers(docker),
        Privileged(docker),
        FreeDisk(docker, gigabytes),
        FreeMemory(docker),
        Inotify(docker),
        OpenFiles(docker),
    )
