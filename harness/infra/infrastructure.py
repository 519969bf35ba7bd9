"""The only wiring point: it turns settings into Docker, images and a cluster.

To create an `Infrastructure` has no effect; each part is set up when it is used first.
"""

from __future__ import annotations

from functools import cached_property

from harness.core import user_dirs
from harness.core.file_lock import exclusive
from harness.core.process_identity import ProcessId, current_process
from harness.core.progress import Progress
from harness.infra.cluster import PROVIDERS, Cluster, Provider, ProviderDependencies
from harness.infra.docker import Docker
from harness.infra.doctor import checkup, host_requirements, image_requirements
from harness.infra.doctor.requirement import Requirement
from harness.infra.images import cluster_tools, sources
from harness.infra.images.sources import Images
from harness.infra.settings import Settings

#: Seconds to wait for another process that provisions everything from nothing.
_BRING_UP = 7200.0


class Infrastructure:
    """Docker engine, images and cluster provider of one run.

    The process `user` holds the cluster; the default is this process.
    """

    def __init__(
        self, settings: Settings, progress: Progress, user: ProcessId | None = None
    ) -> None:
        self.settings, self.progress = settings, progress
        self._user = user or current_process()
        self.docker = Docker()

    @cached_property
    def images(self) -> Images:
        """The images, from the source in the settings. Docker must answer."""
        return sources.choose(self.settings, self.docker, self.progress.note)

    @cached_property
    def provider(self) -> Provider:
        """The cluster provider that the settings name."""
        dependencies = ProviderDependencies(
            docker=self.docker,
            node_image=lambda: self.images.catalogue.tag("node"),
            kind=lambda: cluster_tools.kind(self.images, self.progress.note),
            kubectl=lambda: cluster_tools.kubectl(self.images, self.progress.note),
            notify=self.progress.note,
            user=self._user,
        )
        return PROVIDERS.get(self.settings.provider)(self.settings, dependencies)

    def requirements(self) -> list[Requirement]:
        """Return the requirements on this machine, in the order in which they can be fixed."""
        return [
            *host_requirements.needs(self.docker),
            *image_requirements.needs(self.docker, lambda: self.images),
        ]

    def install_missing(self) -> None:
        """Install everything that is missing; without effect if nothing is."""
        checkup.ensure(self.requirements(), self.progress)

    def provision(self) -> Cluster:
        """Return a running cluster with all images on its nodes; install what is missing first.

        One process at a time does this; a process that waited finds everything done.
        """
        file = user_dirs.state_folder() / "bring-up.lock"
        with exclusive(file, "it brings all up", timeout=_BRING_UP, notify=self.progress.note):
            self.install_missing()
            with self.progress.step("cluster"):
                cluster = self.provider.acquire()
            # One call for all images: they share most layers, and each layer is then copied once.
            names = self.images.catalogue.wanted("broker", "helper", "worker")
            with self.progress.step("images on the nodes"):
                self.provider.load([self.images.catalogue.tag(name) for name in names])
        return cluster
