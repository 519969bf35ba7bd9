"""Operations on the nodes of a kind cluster, which are Docker containers."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.core.clock import NotYet, wait_until
from harness.core.errors import CommandFailed
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.providers.kind.state import Store

#: Seconds to wait while other runs lose the node: broker heartbeats, and a Job until it ended.
_SPARE_NODE_WAIT = 1800.0
#: Docker's error text, and seconds to try again: the kernel may fail to freeze a container
#: while processes start and end in it, and then thaws it.
_CANNOT_FREEZE, _FREEZE_RETRY = "unable to freeze", 30.0


class Nodes:
    """The part of `Provider` that works on nodes."""

    def __init__(self, docker: Docker, store: Store, notify: Notify) -> None:
        self._docker, self._store, self._notify = docker, store, notify

    def on_node(self, node: str, *argv: str) -> str:
        """Run a command on a node, which is a container of the same name; return its output."""
        return self._docker.run("exec", node, *argv).stdout

    def node_access_error(self) -> str:
        """Return an empty text: Docker reaches all nodes."""
        return ""

    def spare_node(self) -> str:
        """Return the name of the node that a run may lose; empty in a cluster without one."""
        record = self._store.read()
        return record.spare if record is not None else ""

    def exclusive_spare_node(self) -> AbstractContextManager[None]:
        """Hold the spare node for one run; another run would lose its pods with the node."""
        file = self._store.folder / "spare.lock"
        return exclusive(
            file, "it uses the node that may be lost", timeout=_SPARE_NODE_WAIT, notify=self._notify
        )

    def freeze_node(self, node: str) -> None:
        """Freeze the node's container with all its processes."""

        def freeze() -> None:
            try:
                self._docker.run("pause", node)
            except CommandFailed as error:
                if _CANNOT_FREEZE not in str(error):
                    raise
                raise NotYet(error.seen) from error

        wait_until(f"the node {node} to be frozen", freeze, timeout=_FREEZE_RETRY)

    def thaw_node(self, node: str) -> None:
        """Let the node's container continue."""
        self._docker.run("unpause", node)

    def kill_node(self, node: str) -> None:
        """Send SIGKILL to all processes of the node's container."""
        self._docker.run("kill", node)

    def start_node(self, node: str) -> None:
        """Start the node's container again; it has its disk and joins the cluster automatically."""
        self._docker.run("start", node)
