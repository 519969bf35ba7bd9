"""pytest-kind's cluster with time bounds and failure logs, without downloads or litter."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from pytest_kind import KindCluster

from harness.core import commands
from harness.core.errors import CommandFailed, QueuejobError, TimedOut
from harness.core.progress import Notify
from harness.infra.providers.kind.timeouts import CREATE, DELETE, LOAD, LOGS


class BoundedKindCluster(KindCluster):  # type: ignore[misc]  # pytest-kind has no type hints
    """A `KindCluster` with given programs, each call of which ends in bounded time."""

    def __init__(self, name: str, image: str, kind: Path, kubectl: Path, kubeconfig: Path) -> None:
        # The parent's initialiser would create a folder .pytest-kind in the current directory.
        self.name = name
        self.image = image
        self.path = kubeconfig.parent
        self.kind_path: Path = kind
        self.kubectl_path: Path = kubectl
        self.kubeconfig_path: Path = kubeconfig

    def create(
        self, config_file: str | Path | None = None, notify: Notify = lambda _: None
    ) -> None:
        """Create the cluster; after a failure the incomplete one remains for `export_logs`."""
        config = ["--config", config_file] if config_file else []
        self._kind(
            *("create", "cluster", "--image", self.image, "--retain"),
            *("--kubeconfig", self.kubeconfig_path, *config),
            timeout=CREATE,
            notify=notify,
        )

    def load_docker_images(self, images: Sequence[str], nodes: Sequence[str]) -> None:
        """Load images into the named nodes, in one archive, so that shared layers are copied once.

        Without names it loads them into all nodes.
        """
        only = ["--nodes", ",".join(nodes)] if nodes else []
        self._kind("load", "docker-image", *images, *only, timeout=LOAD)

    def write_kubeconfig(self) -> None:
        """Write the kubeconfig of a cluster that another tool created."""
        self._kind("export", "kubeconfig", "--kubeconfig", self.kubeconfig_path, timeout=60)

    def export_logs(self, folder: Path) -> Path | None:
        """Export kind's logs of all nodes to `folder`; return it, or None if there are no logs."""
        with contextlib.suppress(QueuejobError):
            self._kind("export", "logs", folder, timeout=LOGS)
        return folder if folder.is_dir() and any(folder.iterdir()) else None

    def delete(self) -> None:
        """Delete the cluster's containers and its entry in the kubeconfig."""
        self._kind("delete", "cluster", "--kubeconfig", self.kubeconfig_path, timeout=DELETE)

    def answers(self) -> bool:
        """Return whether the API server reports that it is ready."""
        arguments = ("--kubeconfig", self.kubeconfig_path, "get", "--raw", "/readyz")
        try:
            commands.run((self.kubectl_path, *arguments), timeout=20)
        except (CommandFailed, TimedOut):
            return False
        return True

    def _kind(self, *words: str | Path, timeout: float, notify: Notify | None = None) -> None:
        commands.run(
            [self.kind_path, *words, "--name", self.name],
            timeout=timeout,
            what=f"kind {words[0]} {words[1]}",
            on_line=notify,
        )
