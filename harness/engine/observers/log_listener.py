"""Who is told of all that a follower sees, and of what."""

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
    """Is told, from several threads, of all that the follower sees."""

    def pod(self, change: Change, pod: Pod) -> None:
        """A pod as it is now; one that is told again when a watch begins anew is "modified"."""

    def line(self, run: ContainerRun, line: str) -> None:
        """One line, after the kubelet's time; each comes once."""

    def ended(self, run: ContainerRun, why: str) -> None:
        """There will be no more lines; `why` they are not all there, or empty."""

    def missed(self, what: str) -> None:
        """Something was not seen, or not as it was."""


def all_containers(pod: Pod, container: str) -> bool:  # noqa: ARG001  # one of many such choices
    """Wanted: every container of every pod."""
    return True


class NullListener:
    """Listens to nothing: for those who only want the files."""

    def pod(self, change: Change, pod: Pod) -> None: ...

    def line(self, run: ContainerRun, line: str) -> None: ...

    def ended(self, run: ContainerRun, why: str) -> None: ...

    def missed(self, what: str) -> None: ...
