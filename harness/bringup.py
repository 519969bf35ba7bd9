"""The one wiring point: settings in, everything that a run stands on out.

Nothing is touched until it is asked for: `Bench` is made at once, Docker is asked by its parts.
"""

from __future__ import annotations

from functools import cached_property

from harness import registry
from harness.docker import Docker
from harness.doctor import checkup, host, image_needs
from harness.images import sources, tools
from harness.images.sources import Images
from harness.ports import Need, Provider
from harness.process import Identity, identify
from harness.progress import Progress
from harness.providers.kind.provider import Parts
from harness.settings import Settings


class Bench:
    """One run's Docker engine, images and cluster provider; `user` holds the cluster."""

    def __init__(
        self, settings: Settings, progress: Progress, user: Identity | None = None
    ) -> None:
        self.settings, self.progress = settings, progress
        self._user = user or identify()
        self.docker = Docker()

    @cached_property
    def images(self) -> Images:
        """The images, from the source that the settings name. Docker must answer."""
        return sources.choose(self.settings, self.docker, self.progress.note)

    @cached_property
    def provider(self) -> Provider:
        """The cluster provider that the settings name."""
        parts = Parts(
            docker=self.docker,
            node_image=lambda: self.images.catalogue.tag("node"),
            kind=lambda: tools.kind(self.images, self.progress.note),
            kubectl=lambda: tools.kubectl(self.images, self.progress.note),
            tell=self.progress.note,
            user=self._user,
        )
        make = registry.lookup("providers", self.settings.provider, "Provider")
        made: Provider = make(self.settings, parts)
        return made

    def needs(self) -> list[Need]:
        """What this machine must have, in the order in which it can be got."""
        return [*host.needs(self.docker), *image_needs.needs(self.docker, lambda: self.images)]

    def ensure(self) -> None:
        """Get whatever is missing; does nothing where nothing is."""
        checkup.ensure(self.needs(), self.progress)

    def load(self, name: str) -> str:
        """Put the image of a recipe on the cluster's nodes; return the name for pod specs."""
        tag = self.images.provide(name, self.progress.note)
        self.provider.load([tag])
        return tag
