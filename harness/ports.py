"""What the parts ask of each other: Protocols, and the small records that they exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

#: The taint of a node that is there to be lost: only pods that tolerate it come to it.
SPARE = "queuejob/spare"
#: Takes one line of news, for a person who waits.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Cluster:
    """A running cluster and the two files that reach it.

    `owned` says that this tool made it, and so may delete it.
    """

    name: str
    kubeconfig: Path
    kubectl: Path
    owned: bool


@dataclass(frozen=True)
class Finding:
    """What a look at one need showed: there or not, what was seen, and how to get it."""

    present: bool
    seen: str
    todo: str = ""


@runtime_checkable
class Need(Protocol):
    """One thing that a machine must have before a cluster can run on it.

    `check` only looks, and takes no longer than a few seconds. `fix` gets it, telling each step,
    and raises `InfrastructureError` (with what to run by hand) when it may not or cannot.
    """

    name: str
    why: str

    def check(self) -> Finding: ...

    def fix(self, tell: Tell) -> None: ...


@runtime_checkable
class Provider(Protocol):
    """Something that has clusters. All calls are safe from several processes at once."""

    name: str

    def acquire(self) -> Cluster:
        """The cluster, made if need be; waits for whoever is making it already."""

    def load(self, refs: Sequence[str]) -> None:
        """Put Docker images where the cluster's nodes can start them, each once."""

    def held(self) -> bool:
        """Has the cluster been acquired for this run, and not been released?"""

    def release(self, *, keep: bool) -> None:
        """Give up the cluster: delete it when it is ours and nobody else uses it, unless `keep`."""

    def on_node(self, node: str, *argv: str) -> str | None:
        """Run a command on a node, as its root; `InfrastructureError` where that cannot be.

        What it printed; None from a provider that does not tell.
        """

    def reaches_nodes(self) -> str:
        """Why commands cannot be run on this provider's nodes; empty when they can."""

    def spare_node(self) -> str:
        """The name of a node that may be lost, for nobody else has pods there; empty: none may."""

    def spare_turn(self) -> AbstractContextManager[None]:
        """Hold while a run has pods on the spare node; waits for whoever does before it."""

    def freeze_node(self, node: str) -> None:
        """Stop all that a node does, without a word to anybody."""

    def thaw_node(self, node: str) -> None:
        """Let a frozen node go on."""

    def kill_node(self, node: str) -> None:
        """End all that runs on a node, at once."""

    def start_node(self, node: str) -> None:
        """Start a node that was killed; it comes up by itself, which takes a while."""

    def farewell(self) -> str:
        """How to reach a cluster that is kept, and how to delete it."""

    def delete(self) -> None:
        """Delete the cluster now; `UsageError` when this tool did not make it."""
