"""The interface that a log follower calls with all that it sees."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from harness.infra.kube import Pod

Change = Literal["added", "modified", "deleted"]


class ContainerRun(NamedTuple):
    """One run of one container."""

    pod: str
    container: str
    number: int


class LogListener(Protocol):
    """Receives, from several threads, all that the follower sees."""

    def pod(self, change: Change, pod: Pod) -> None:
        """Receive a pod's current state; a pod that a new watch repeats is "modified"."""

    def line(self, run: ContainerRun, line: str) -> None:
        """Receive one line, after the kubelet's timestamp; each line comes once."""

    def ended(self, run: ContainerRun, why: str) -> None:
        """Receive the end of a log; `why` explains which lines are missing, or is empty."""

    def missed(self, what: str) -> None:
        """Receive a description of something that was not seen, or was seen wrongly."""


def all_containers(pod: Pod, container: str) -> bool:  # noqa: ARG001  # any such filter
    """Select every container of every pod."""
    return True


class NullListener:
    """Ignores everything: for callers that only want the files."""

    def pod(self, change: Change, pod: Pod) -> None: ...

    def line(self, run: ContainerRun, line: str) -> None: ...

    def ended(self, run: ContainerRun, why: str) -> None: ...

    def missed(self, what: str) -> None: ...
