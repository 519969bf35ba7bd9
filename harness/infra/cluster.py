"""A running cluster, and the Protocol of what provides one."""

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

#: The taint of a node that is there to be lost: only pods that tolerate it come to it.
SPARE = "queuejob/spare"


@dataclass(frozen=True)
class Cluster:
    """A running cluster and the two files that reach it.

    `owned` says that this tool made it, and so may delete it.
    """

    name: str
    kubeconfig: Path
    kubectl: Path
    owned: bool


@runtime_checkable
class Provider(Protocol):
    """Something that has clusters. All calls are safe from several processes at once."""

    name: str

    def acquire(self) -> Cluster:
        """The cluster, made if need be; waits for whoever is making it already."""

    def load(self, refs: Sequence[str]) -> None:
        """Put Docker images where the cluster's nodes can start them, each once."""

    def is_acquired(self) -> bool:
        """Has the cluster been acquired for this run, and not been released?"""

    def release(self, *, keep: bool) -> None:
        """Give up the cluster: delete it when it is ours and nobody else uses it, unless `keep`."""

    def on_node(self, node: str, *argv: str) -> str | None:
        """Run a command on a node, as its root; `InfrastructureError` where that cannot be.

        What it printed; None from a provider that does not tell.
        """

    def node_access_error(self) -> str:
        """Why commands cannot be run on this provider's nodes; empty when they can."""

    def spare_node(self) -> str:
        """The name of a node that may be lost, for nobody else has pods there; empty: none may."""

    def exclusive_spare_node(self) -> AbstractContextManager[None]:
        """Hold while a run has pods on the spare node; waits for whoever does before it."""

    def freeze_node(self, node: str) -> None:
        """Stop all that a node does, without a word to anybody."""

    def thaw_node(self, node: str) -> None:
        """Let a frozen node go on."""

    def kill_node(self, node: str) -> None:
        """End all that runs on a node, at once."""

    def start_node(self, node: str) -> None:
        """Start a node that was killed; it comes up by itself, which takes a while."""

    def keep_hint(self) -> str:
        """How to reach a cluster that is kept, and how to delete it."""

    def delete(self) -> None:
        """Delete the cluster now; `UsageError` when this tool did not make it."""


@dataclass(frozen=True)
class ProviderDependencies:
    """What a provider makes a cluster with. Functions: nothing is built before it is needed."""

    docker: Docker
    node_image: Callable[[], str]
    kind: Callable[[], Path]
    kubectl: Callable[[], Path]
    tell: Notify
    #: The process for which the cluster is held: under xdist the controller.
    user: ProcessId


#: Makes a provider of the settings.
MakeProvider = Callable[[Settings, ProviderDependencies], Provider]

#: All providers: packages of `harness.infra.providers`, and those of other distributions.
PROVIDERS: Registry[MakeProvider] = Registry(
    kind="providers",
    package="harness.infra.providers",
    attribute="Provider",
    group="queuejob.providers",
    packages_only=True,
)
