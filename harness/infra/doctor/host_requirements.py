"""All requirements on a machine before it has any image or cluster."""

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

#: Gigabytes of free disk for images and cluster.
RUN_DISK = 6.0


def needs(docker: Docker, gigabytes: float = RUN_DISK) -> tuple[Requirement, ...]:
    """Return the requirements in the order in which they can be fixed.

    `gigabytes` is the free disk that they ask for.
    """
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
