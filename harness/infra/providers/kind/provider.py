"""The kind provider: runs share one cluster, and the last run deletes it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from harness.core import clock, commands, user_dirs
from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError, QueuejobError, UsageError
from harness.core.file_lock import exclusive
from harness.infra.cluster import Cluster, ProviderDependencies
from harness.infra.providers.kind.config import config, spare
from harness.infra.providers.kind.image_loading import load
from harness.infra.providers.kind.nodes import Nodes
from harness.infra.providers.kind.state import Record, Store
from harness.infra.providers.kind.timeouts import CREATE, DELETE, LOGS, READY
from harness.infra.settings import Settings

if TYPE_CHECKING:
    from harness.infra.providers.kind.cluster import BoundedKindCluster

LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
#: A waiting process has to wait for everything that the holder may do under the lock.
_LOCK_WAIT = CREATE + READY + LOGS + 2 * DELETE
_RFC3339 = "%Y-%m-%dT%H:%M:%S.%fZ"


class KindProvider(Nodes):
    """The `Provider` that creates clusters with kind."""

    name = "kind"

    def __init__(self, settings: Settings, parts: ProviderDependencies) -> None:
        self._settings, self._dependencies = settings, parts
        self._cluster_name = settings.cluster
        root = user_dirs.state_folder() / "clusters"
        super().__init__(parts.docker, Store(root / self._cluster_name), parts.notify)
        #: All images requested for the nodes, in order.
        self._requested: dict[str, None] = {}
        self._lock_file = root / f"{self._cluster_name}.lock"

    def acquire(self) -> Cluster:
        """Return this tool's cluster if it is usable, otherwise create one.

        A cluster of another tool is used only if the user named it.
        """
        with self._cluster_lock():
            containers = self._containers()
            if containers and not self._is_own():
                return self._use_foreign()
            if containers and not self._is_usable():
                self._notify(f"removing what is left of the cluster {self._cluster_name}")
                self._delete()
                containers = []
            if not containers:
                self._create()
            elif not self._store.users():  # no other run can have stopped the stopped nodes
                self._revive_all()
            self._store.join(self._dependencies.user)
            return self._cluster(owned=True)

    def is_acquired(self) -> bool:
        """Return whether this run acquired (or began to create) the cluster and holds it still."""
        return self._store.has(self._dependencies.user)

    def load(self, refs: Sequence[str]) -> None:
        """Load images onto the nodes that run pods, each once per node and image id.

        The spare node gets them in `exclusive_spare_node`: until then it may be frozen.
        """
        self._requested.update(dict.fromkeys(refs))
        with self._cluster_lock():
            self._load(refs, spare_too=False)

    @contextlib.contextmanager
    def exclusive_spare_node(self) -> Iterator[None]:
        """Do as `Nodes.exclusive_spare_node`, and load all requested images onto that node."""
        with super().exclusive_spare_node():
            self._revive_all()  # no other run can stop the node while this run holds it
            with self._cluster_lock():
                self._load(self._requested, spare_too=True)
            yield

    def _load(self, refs: Iterable[str], *, spare_too: bool) -> None:
        names = {c["Id"]: c["Name"].lstrip("/") for c in self._workers()}
        skipped = "" if spare_too else self.spare_node()
        nodes = {ident: name for ident, name in names.items() if name != skipped}
        load(refs, nodes, self._docker, self._store, self._put)

    def _put(self, refs: Sequence[str], nodes: Sequence[str]) -> None:
        self._notify(f"loading {', '.join(refs)}")
        self._kind_cluster().load_docker_images(refs, nodes)

    def release(self, *, keep: bool) -> None:
        """Release the cluster; the last run that releases it deletes it, unless `keep`."""
        with self._cluster_lock():
            self._store.leave(self._dependencies.user)
            if keep or self._store.users():
                return
            if not self._containers():
                # A process was killed while it deleted the cluster, after the containers were gone.
                self._store.forget()
            elif self._is_own():
                self._delete()

    def keep_hint(self) -> str:
        """Return how to reach a kept cluster, and how to delete it."""
        return (
            f"the cluster {self._cluster_name} is kept. Look: "
            f"{self._dependencies.kubectl()} --kubeconfig {self._store.kubeconfig} get pods -A. "
            f"Delete: queuejob cluster delete {self._cluster_name}"
        )

    def delete(self) -> None:
        """Delete the cluster now, even if runs use it.

        Raises `UsageError` if this tool did not create it.
        """
        with self._cluster_lock():
            if not self._containers():
                self._store.forget()
                return
            if not self._is_own():
                raise self._foreign_cluster_error()
            self._delete()

    # -- current state -------------------------------------------------------------------------

    def _containers(self) -> list[dict[str, Any]]:
        return self._docker.containers(f"label={LABEL}={self._cluster_name}")

    def _workers(self) -> list[dict[str, Any]]:
        # The control plane takes no pods, unless it is the only node.
        nodes = [c for c in self._containers() if c["Config"]["Labels"].get(ROLE_LABEL)]
        return [c for c in nodes if c["Config"]["Labels"][ROLE_LABEL] != "control-plane"] or nodes

    def _revive_all(self) -> None:
        """Thaw and start the nodes that a killed run left frozen or stopped."""
        for container in self._containers():
            name, state = container["Name"].lstrip("/"), container["State"]
            if state.get("Paused"):
                self.thaw_node(name)
            elif not state["Running"]:
                self.start_node(name)

    def _is_own(self) -> bool:
        record = self._store.read()
        containers = [(c["Id"], c["Created"]) for c in self._containers()]
        return record is not None and bool(containers) and record.covers(containers)

    def _is_usable(self) -> bool:
        record = self._store.read()
        if record is None or record.status != "ready":
            return False
        # The spare node may be stopped at the moment: the run that holds it starts it again.
        usable = {
            c["Id"]
            for c in self._containers()
            if c["State"]["Running"] or c["Name"].lstrip("/") == record.spare
        }
        if usable != record.containers or not self._answers():
            return False
        wanted = self._dependencies.node_image()
        if record.image == wanted and (record.spare or not self._settings.spare_node):
            return True
        if self._store.users():
            raise InfrastructureError(
                f"the cluster {self._cluster_name} is in use with another node image, or nodes",
                expected=f"{wanted}{' and a spare node' if self._settings.spare_node else ''}",
                seen=f"{record.image}, used by process {self._store.users()[0].pid}",
                todo="wait for that run to end, or give another --queuejob-cluster",
            )
        return False

    def _answers(self) -> bool:
        """Return whether the API server answers; wait for it while other runs use the cluster.

        Raises `InfrastructureError` if it does not answer in time and other runs use the cluster,
        which this run must not delete then.
        """
        kind = self._kind_cluster()
        if kind.answers():
            return True
        if not self._store.users():
            return False

        def probe() -> bool:
            if kind.answers():
                return True
            if not self._store.users():
                return False
            raise NotYet("no answer, and others use the cluster")

        what = f"the API server of the cluster {self._cluster_name}, which others use"
        todo = "the machine may be overloaded: run less at once, or end the others' runs"
        return wait_until(what, probe, timeout=READY, todo=todo)

    def _foreign_cluster_error(self) -> UsageError:
        return UsageError(
            f"the cluster {self._cluster_name} was not made by this tool",
            expected=f"no cluster {self._cluster_name}, or one of our own",
            seen=f"containers with {LABEL}={self._cluster_name} and no record of them in "
            f"{self._store.folder}",
            todo="use it as it is with --queuejob-cluster NAME (it is never deleted then), "
            "or name another",
        )

    def _use_foreign(self) -> Cluster:
        if not self._settings.cluster_named:
            raise self._foreign_cluster_error()
        self._store.folder.mkdir(parents=True, exist_ok=True)
        self._kind_cluster().write_kubeconfig()
        return self._cluster(owned=False)

    # -- creation and removal ------------------------------------------------------------------

    def _create(self) -> None:
        image, kind = self._dependencies.node_image(), self._kind_cluster()
        self._store.forget()
        record = Record("creating", clock.now().strftime(_RFC3339), image)
        self._store.write(record)
        # Before anything exists: a run interrupted during the creation has to delete the cluster.
        self._store.join(self._dependencies.user)
        file = self._store.folder / "config.yaml"
        file.write_text(yaml.safe_dump(config(self._settings)))
        self._notify(f"creating the cluster {self._cluster_name}")
        try:
            kind.create(file, self._notify_kind_step)
            self._await_ready()
            ids = frozenset(c["Id"] for c in self._containers())
            node = ""
            if self._settings.spare_node:
                node = spare(c["Name"].lstrip("/") for c in self._workers())
            self._store.write(Record("ready", record.started, image, ids, node))
        except QueuejobError as error:
            raise self._creation_error(kind, error) from error
        except BaseException:
            self._delete()
            raise

    def _notify_kind_step(self, line: str) -> None:
        # kind prints each step twice: with a bullet at the start, with a tick at the end.
        step = line.strip()
        if step.startswith("•"):
            self._notify(f"kind: {step.encode('ascii', 'ignore').decode().strip(' .')}")

    def _creation_error(
        self, kind: BoundedKindCluster, error: QueuejobError
    ) -> InfrastructureError:
        """Save kind's logs, delete the incomplete cluster, and return the error to raise."""
        logs = kind.export_logs(self._settings.out.absolute() / "kind-logs" / self._cluster_name)
        with contextlib.suppress(QueuejobError):
            self._delete()
        text = str(error)
        if re.search(r"port is already allocated|address already in use", text):
            todo = "another program took the port meanwhile: try again"
        else:
            todo = "run `queuejob doctor`; the nodes' own logs say more"
        return InfrastructureError(
            f"the cluster {self._cluster_name} could not be made",
            expected="all nodes Ready",
            seen=text,
            todo=f"{todo} ({logs or 'there are none'})",
        )

    def _await_ready(self) -> None:
        """Wait until all nodes and the cluster's DNS are ready."""
        kubectl = (self._dependencies.kubectl(), "--kubeconfig", self._store.kubeconfig)
        for what, arguments in (
            ("all nodes to be Ready", ("wait", "--for=condition=Ready", "nodes", "--all")),
            ("cluster DNS", ("--namespace=kube-system", "rollout", "status", "deploy/coredns")),
        ):
            self._notify(f"waiting for {what}")
            argv = (*kubectl, *arguments, f"--timeout={READY:.0f}s")
            commands.run(argv, timeout=READY + 10, what=f"waiting for {what}")

    def _delete(self) -> None:
        """Delete the record and all containers of the cluster, with kind if possible."""
        self._notify(f"deleting the cluster {self._cluster_name}")
        with contextlib.suppress(QueuejobError):
            self._kind_cluster().delete()
        self._docker.remove_containers(*(c["Id"] for c in self._containers()))

        def gone() -> None:
            remaining = [c["Name"] for c in self._containers()]
            if remaining:
                raise NotYet(f"still there: {', '.join(remaining)}")

        wait_until("the cluster's containers to be gone", gone, timeout=60)
        self._store.forget()

    def _kind_cluster(self) -> BoundedKindCluster:
        # pytest-kind imports a second Kubernetes client: a run without a cluster should not spend
        # half a second on it.
        from harness.infra.providers.kind.cluster import BoundedKindCluster  # noqa: PLC0415

        return BoundedKindCluster(
            self._cluster_name,
            self._dependencies.node_image(),
            self._dependencies.kind(),
            self._dependencies.kubectl(),
            self._store.kubeconfig,
        )

    def _cluster(self, *, owned: bool) -> Cluster:
        kubeconfig, kubectl = self._store.kubeconfig, self._dependencies.kubectl()
        return Cluster(self._cluster_name, kubeconfig, kubectl, owned)

    def _cluster_lock(self) -> contextlib.AbstractContextManager[None]:
        """Return the lock under which one process creates, fills or deletes the cluster."""
        what = f"it works on the cluster {self._cluster_name}"
        return exclusive(self._lock_file, what, timeout=_LOCK_WAIT, notify=self._notify)
