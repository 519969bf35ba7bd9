"""What can be done to the nodes of a kind cluster: they are containers."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.core.clock import NotYet, wait_until
from harness.core.errors import CommandFailed
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.infra.docker import Docker
from harness.infra.providers.kind.state import Store

#: Seconds for which others may lose the node before: broker heartbeats, and a Job's whole end.
_LOST = 1800.0
#: Where processes come and go the kernel may not get hold of all at once; it lets go of them then.
_MOVING, _FREEZE = "unable to freeze", 30.0


class Nodes:
    """The part of `ports.Provider` that reaches nodes."""

    def __init__(self, docker: Docker, store: Store, tell: Notify) -> None:
        self._docker, self._store, self._tell = docker, store, tell

    def on_node(self, node: str, *argv: str) -> str:
        """Run a command on a node, which is a container of the same name."""
        return self._docker.run("exec", node, *argv).stdout

    def node_access_error(self) -> str:
        """Docker reaches all nodes."""
        return ""

    def spare_node(self) -> str:
        """The node that was made to be lost; empty in a cluster without one."""
        record = self._store.read()
        return record.spare if record is not None else ""

    def exclusive_spare_node(self) -> AbstractContextManager[None]:
        """One run at a time has pods on the spare node: another's would be lost with it."""
        file = self._store.folder / "spare.lock"
        return exclusive(file, "it uses the node that may be lost", timeout=_LOST, tell=self._tell)

    def freeze_node(self, node: str) -> None:
        """Freeze the node's container, with all that runs in it."""

        def freeze() -> None:
            try:
                self._docker.run("pause", node)
            except CommandFailed as error:
                if _MOVING not in str(error):
                    raise
                raise NotYet(error.seen) from error

        wait_until(f"the node {node} to be frozen", freeze, timeout=_FREEZE)

    def thaw_node(self, node: str) -> None:
        """Let it go on."""
        self._docker.run("unpause", node)

    def kill_node(self, node: str) -> None:
        """SIGKILL to all that runs in the node's container."""
        self._docker.run("kill", node)

    def start_node(self, node: str) -> None:
        """Start its container again: it has its disk, and joins the cluster by itself."""
        self._docker.run("start", node)
