"""pytest-kind's cluster, with what it lacks: bounds, logs of a failure, no downloads, no litter."""

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
    """A `KindCluster` whose programs are given and whose every call ends in bounded time."""

    def __init__(self, name: str, image: str, kind: Path, kubectl: Path, kubeconfig: Path) -> None:
        # The parent's own initialiser would make a folder .pytest-kind wherever we stand.
        self.name = name
        self.image = image
        self.path = kubeconfig.parent
        self.kind_path: Path = kind
        self.kubectl_path: Path = kubectl
        self.kubeconfig_path: Path = kubeconfig

    def create(self, config_file: str | Path | None = None, tell: Notify = lambda _: None) -> None:
        """Make the cluster; a half one is left for `export_logs` when it fails."""
        config = ["--config", config_file] if config_file else []
        self._kind(
            *("create", "cluster", "--image", self.image, "--retain"),
            *("--kubeconfig", self.kubeconfig_path, *config),
            timeout=CREATE,
            tell=tell,
        )

    def load_docker_images(self, images: Sequence[str], nodes: Sequence[str]) -> None:
        """Put images into the named nodes, all in one archive: shared layers travel once."""
        only = ["--nodes", ",".join(nodes)] if nodes else []
        self._kind("load", "docker-image", *images, *only, timeout=LOAD)

    def write_kubeconfig(self) -> None:
        """Write the kubeconfig of a cluster that was made elsewhere."""
        self._kind("export", "kubeconfig", "--kubeconfig", self.kubeconfig_path, timeout=60)

    def export_logs(self, folder: Path) -> Path | None:
        """kind's logs of all nodes below `folder`; None when there are none to be had."""
        with contextlib.suppress(QueuejobError):
            self._kind("export", "logs", folder, timeout=LOGS)
        return folder if folder.is_dir() and any(folder.iterdir()) else None

    def delete(self) -> None:
        """Remove the cluster's containers and its entry in the kubeconfig."""
        self._kind("delete", "cluster", "--kubeconfig", self.kubeconfig_path, timeout=DELETE)

    def answers(self) -> bool:
        """Does the API server say that it is ready?"""
        words = ("--kubeconfig", self.kubeconfig_path, "get", "--raw", "/readyz")
        try:
            commands.run((self.kubectl_path, *words), timeout=20)
        except (CommandFailed, TimedOut):
            return False
        return True

    def _kind(self, *words: str | Path, timeout: float, tell: Notify | None = None) -> None:
        commands.run(
            [self.kind_path, *words, "--name", self.name],
            timeout=timeout,
            what=f"kind {words[0]} {words[1]}",
            on_line=tell,
        )
