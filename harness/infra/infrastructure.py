"""The one wiring point: settings in, everything that a run stands on out.

Nothing is touched until it is asked for: to make an `Infrastructure` does nothing yet.
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

#: Seconds to wait for another process that brings everything up, from cold.
_BRING_UP = 7200.0


class Infrastructure:
    """One run's Docker engine, images and cluster provider; `user` holds the cluster."""

    def __init__(
        self, settings: Settings, progress: Progress, user: ProcessId | None = None
    ) -> None:
        self.settings, self.progress = settings, progress
        self._user = user or current_process()
        self.docker = Docker()

    @cached_property
    def images(self) -> Images:
        """The images, from the source that the settings name. Docker must answer."""
        return sources.choose(self.settings, self.docker, self.progress.note)

    @cached_property
    def provider(self) -> Provider:
        """The cluster provider that the settings name."""
        parts = ProviderDependencies(
            docker=self.docker,
            node_image=lambda: self.images.catalogue.tag("node"),
            kind=lambda: cluster_tools.kind(self.images, self.progress.note),
            kubectl=lambda: cluster_tools.kubectl(self.images, self.progress.note),
            tell=self.progress.note,
            user=self._user,
        )
        return PROVIDERS.get(self.settings.provider)(self.settings, parts)

    def requirements(self) -> list[Requirement]:
        """What this machine must have, in the order in which it can be got."""
        return [
            *host_requirements.needs(self.docker),
            *image_requirements.needs(self.docker, lambda: self.images),
        ]

    def install_missing(self) -> None:
        """Get whatever is missing; does nothing where nothing is."""
        checkup.ensure(self.requirements(), self.progress)

    def provision(self) -> Cluster:
        """A running cluster with all images on its nodes, and whatever it takes before that.

        One process at a time: those who wait find it done.
        """
        file = user_dirs.state_folder() / "bring-up.lock"
        with exclusive(file, "it brings all up", timeout=_BRING_UP, tell=self.progress.note):
            self.install_missing()
            with self.progress.step("cluster"):
                cluster = self.provider.acquire()
            # All at once: the images share most of their layers, and shared ones travel once.
            names = self.images.catalogue.wanted("broker", "helper", "worker")
            with self.progress.step("images on the nodes"):
                self.provider.load([self.images.catalogue.tag(name) for name in names])
        return cluster
