"""A running cluster, and the protocol of its provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.core.process_identity import ProcessId
from harness.core.progress import Notify
from harness.core.registry import Registry
from harness.infra.docker import Docker
from harness.infra.settings import Settings

#: The taint of the spare node, which a run may lose: only pods that tolerate it run there.
SPARE = "queuejob/spare"


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and the kubeconfig and kubectl that reach it.

    `owned` is True if this tool created the cluster, and therefore may delete it.
    """

    name: str
    kubeconfig: Path
    kubectl: Path
    owned: bool


@runtime_checkable
class Provider(Protocol):
    """A source of clusters. Several processes may call all methods at the same time."""

    name: str

    def acquire(self) -> Cluster:
        """Return the cluster; create it if needed, or wait for a process that is creating it."""

    def load(self, refs: Sequence[str]) -> None:
        """Load Docker images, each once, to where the cluster's nodes can start them."""

    def is_acquired(self) -> bool:
        """Return whether this run acquired the cluster and has not released it."""

    def release(self, *, keep: bool) -> None:
        """Release the cluster.

        Deletes it, unless `keep`, if this tool created it and no other process uses it.
        """

    def on_node(self, node: str, *argv: str) -> str | None:
        """Run a command on a node, as root of the node.

        Returns the command's output; None from a provider that does not return it. Raises
        `InfrastructureError` if the provider cannot run commands on its nodes.
        """

    def node_access_error(self) -> str:
        """Return why commands cannot run on this provider's nodes; empty if they can."""

    def spare_node(self) -> str:
        """Return the name of the node that a run may lose; empty if there is none.

        No other user has pods on this node.
        """

    def exclusive_spare_node(self) -> AbstractContextManager[None]:
        """Hold the spare node while a run has pods on it; waits for the run that holds it."""

    def freeze_node(self, node: str) -> None:
        """Freeze all processes of a node, without notice to any other component."""

    def thaw_node(self, node: str) -> None:
        """Let a frozen node continue."""

    def kill_node(self, node: str) -> None:
        """Kill all processes of a node immediately."""

    def start_node(self, node: str) -> None:
        """Start a killed node; it joins the cluster automatically, which takes a while."""

    def keep_hint(self) -> str:
        """Return how to reach a kept cluster, and how to delete it."""

    def delete(self) -> None:
        """Delete the cluster now. Raises `UsageError` if this tool did not create it."""


@dataclass(frozen=True)
class ProviderDependencies:
    """Everything that a provider needs to create a cluster.

    Some fields are functions, so that nothing is built before the provider needs it.
    """

    docker: Docker
    node_image: Callable[[], str]
    kind: Callable[[], Path]
    kubectl: Callable[[], Path]
    notify: Notify
    #: The process that holds the cluster; under xdist this is the controller.
    user: ProcessId


#: Creates a provider from the settings.
MakeProvider = Callable[[Settings, ProviderDependencies], Provider]

#: All providers: packages in `harness.infra.providers`, and those of other distributions.
PROVIDERS: Registry[MakeProvider] = Registry(
    kind="providers",
    package="harness.infra.providers",
    attribute="Provider",
    group="queuejob.providers",
    packages_only=True,
)
