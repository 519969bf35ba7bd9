"""The kind provider: one cluster, made once, shared by all who need it, deleted by the last."""

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
#: Whoever waits for another process waits for all that this one may do under the lock.
_TURN = CREATE + READY + LOGS + 2 * DELETE
_RFC3339 = "%Y-%m-%dT%H:%M:%S.%fZ"


class KindProvider(Nodes):
    """`ports.Provider` for kind."""

    name = "kind"

    def __init__(self, settings: Settings, parts: ProviderDependencies) -> None:
        self._settings, self._parts = settings, parts
        self._cluster_name = settings.cluster
        root = user_dirs.state_folder() / "clusters"
        super().__init__(parts.docker, Store(root / self._cluster_name), parts.tell)
        #: All that was asked to be on the nodes, in order.
        self._asked: dict[str, None] = {}
        self._lock_file = root / f"{self._cluster_name}.lock"

    def acquire(self) -> Cluster:
        """The cluster: ours if it is well, else a new one; somebody else's only if named."""
        with self._turn():
            containers = self._containers()
            if containers and not self._ours():
                return self._borrow()
            if containers and not self._usable():
                self._tell(f"removing what is left of the cluster {self._cluster_name}")
                self._delete()
                containers = []
            if not containers:
                self._create()
            elif not self._store.users():  # nobody else can have harmed what is harmed
                self._revive_all()
            self._store.join(self._parts.user)
            return self._handle(owned=True)

    def is_acquired(self) -> bool:
        """Has the cluster been acquired (or begun) for this run and not been released yet?"""
        return self._store.has(self._parts.user)

    def load(self, refs: Sequence[str]) -> None:
        """Put images on the nodes that run pods, each once per node and image id.

        Those for the spare node come to it with the turn: until then it may be frozen.
        """
        self._asked.update(dict.fromkeys(refs))
        with self._turn():
            self._load(refs, spare_too=False)

    @contextlib.contextmanager
    def exclusive_spare_node(self) -> Iterator[None]:
        """As `Nodes.spare_turn`; what this process wants on the nodes is on that one then, too."""
        with super().exclusive_spare_node():
            self._revive_all()  # whoever could have harmed it otherwise has the turn
            with self._turn():
                self._load(self._asked, spare_too=True)
            yield

    def _load(self, refs: Iterable[str], *, spare_too: bool) -> None:
        names = {c["Id"]: c["Name"].lstrip("/") for c in self._workers()}
        lost = "" if spare_too else self.spare_node()
        nodes = {ident: name for ident, name in names.items() if name != lost}
        load(refs, nodes, self._docker, self._store, self._put)

    def _put(self, refs: Sequence[str], nodes: Sequence[str]) -> None:
        self._tell(f"loading {', '.join(refs)}")
        self._kind_cluster().load_docker_images(refs, nodes)

    def release(self, *, keep: bool) -> None:
        """Leave the cluster; the last one who leaves deletes it, unless `keep`."""
        with self._turn():
            self._store.leave(self._parts.user)
            if keep or self._store.users():
                return
            if not self._containers():
                # Who was killed while deleting it got no further than this.
                self._store.forget()
            elif self._ours():
                self._delete()

    def keep_hint(self) -> str:
        """How to reach a cluster that is kept, and how to delete it."""
        return (
            f"the cluster {self._cluster_name} is kept. Look: "
            f"{self._parts.kubectl()} --kubeconfig {self._store.kubeconfig} get pods -A. "
            f"Delete: queuejob cluster delete {self._cluster_name}"
        )

    def delete(self) -> None:
        """Delete the cluster now, whoever uses it; `UsageError` when it is not ours."""
        with self._turn():
            if not self._containers():
                self._store.forget()
                return
            if not self._ours():
                raise self._foreign()
            self._delete()

    # -- what is there -------------------------------------------------------------------------

    def _containers(self) -> list[dict[str, Any]]:
        return self._docker.containers(f"label={LABEL}={self._cluster_name}")

    def _workers(self) -> list[dict[str, Any]]:
        # The control plane takes no pods, unless it is alone.
        nodes = [c for c in self._containers() if c["Config"]["Labels"].get(ROLE_LABEL)]
        return [c for c in nodes if c["Config"]["Labels"][ROLE_LABEL] != "control-plane"] or nodes

    def _revive_all(self) -> None:
        """Thaw what a killed run has left frozen, and start what it has left dead."""
        for one in self._containers():
            name, state = one["Name"].lstrip("/"), one["State"]
            if state.get("Paused"):
                self.thaw_node(name)
            elif not state["Running"]:
                self.start_node(name)

    def _ours(self) -> bool:
        record = self._store.read()
        found = [(c["Id"], c["Created"]) for c in self._containers()]
        return record is not None and bool(found) and record.covers(found)

    def _usable(self) -> bool:
        record = self._store.read()
        if record is None or record.status != "ready":
            return False
        # The spare node may be dead at the moment: whoever has its turn starts it again.
        there = {
            c["Id"]
            for c in self._containers()
            if c["State"]["Running"] or c["Name"].lstrip("/") == record.spare
        }
        if there != record.containers or not self._answers():
            return False
        wanted = self._parts.node_image()
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
        """Whether the API server answers; where others use the cluster, it may be slow to.

        Raises `InfrastructureError` where it does not in time: their cluster is not ours to remove.
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

    def _foreign(self) -> UsageError:
        return UsageError(
            f"the cluster {self._cluster_name} was not made by this tool",
            expected=f"no cluster {self._cluster_name}, or one of our own",
            seen=f"containers with {LABEL}={self._cluster_name} and no record of them in "
            f"{self._store.folder}",
            todo="use it as it is with --queuejob-cluster NAME (it is never deleted then), "
            "or name another",
        )

    def _borrow(self) -> Cluster:
        if not self._settings.cluster_named:
            raise self._foreign()
        self._store.folder.mkdir(parents=True, exist_ok=True)
        self._kind_cluster().write_kubeconfig()
        return self._handle(owned=False)

    # -- making and removing -------------------------------------------------------------------

    def _create(self) -> None:
        image, kind = self._parts.node_image(), self._kind_cluster()
        self._store.forget()
        record = Record("creating", clock.now().strftime(_RFC3339), image)
        self._store.write(record)
        # Before anything exists: whoever is interrupted while it is made has to remove it.
        self._store.join(self._parts.user)
        file = self._store.folder / "config.yaml"
        file.write_text(yaml.safe_dump(config(self._settings)))
        self._tell(f"creating the cluster {self._cluster_name}")
        try:
            kind.create(file, self._tell_of_kind)
            self._await_ready()
            ids = frozenset(c["Id"] for c in self._containers())
            node = ""
            if self._settings.spare_node:
                node = spare(c["Name"].lstrip("/") for c in self._workers())
            self._store.write(Record("ready", record.started, image, ids, node))
        except QueuejobError as error:
            raise self._failed(kind, error) from error
        except BaseException:
            self._delete()
            raise

    def _tell_of_kind(self, line: str) -> None:
        # kind tells each step twice: with a bullet when it begins, with a tick when it is done.
        step = line.strip()
        if step.startswith("•"):
            self._tell(f"kind: {step.encode('ascii', 'ignore').decode().strip(' .')}")

    def _failed(self, kind: BoundedKindCluster, error: QueuejobError) -> InfrastructureError:
        """Keep kind's logs, remove the half cluster, and say where the logs are."""
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
        """Wait for all nodes and for the cluster's DNS."""
        kubectl = (self._parts.kubectl(), "--kubeconfig", self._store.kubeconfig)
        for what, words in (
            ("all nodes to be Ready", ("wait", "--for=condition=Ready", "nodes", "--all")),
            ("cluster DNS", ("--namespace=kube-system", "rollout", "status", "deploy/coredns")),
        ):
            self._tell(f"waiting for {what}")
            argv = (*kubectl, *words, f"--timeout={READY:.0f}s")
            commands.run(argv, timeout=READY + 10, what=f"waiting for {what}")

    def _delete(self) -> None:
        """Remove all containers of the cluster, through kind if it can, and the record."""
        self._tell(f"deleting the cluster {self._cluster_name}")
        with contextlib.suppress(QueuejobError):
            self._kind_cluster().delete()
        self._docker.remove_containers(*(c["Id"] for c in self._containers()))

        def gone() -> None:
            left = [c["Name"] for c in self._containers()]
            if left:
                raise NotYet(f"still there: {', '.join(left)}")

        wait_until("the cluster's containers to be gone", gone, timeout=60)
        self._store.forget()

    def _kind_cluster(self) -> BoundedKindCluster:
        # pytest-kind brings a second Kubernetes client: half a second that no run without a
        # cluster should pay.
        from harness.infra.providers.kind.cluster import BoundedKindCluster  # noqa: PLC0415

        return BoundedKindCluster(
            self._cluster_name,
            self._parts.node_image(),
            self._parts.kind(),
            self._parts.kubectl(),
            self._store.kubeconfig,
        )

    def _handle(self, *, owned: bool) -> Cluster:
        kubeconfig, kubectl = self._store.kubeconfig, self._parts.kubectl()
        return Cluster(self._cluster_name, kubeconfig, kubectl, owned)

    def _turn(self) -> contextlib.AbstractContextManager[None]:
        """One process at a time makes, fills or removes the cluster."""
        what = f"it works on the cluster {self._cluster_name}"
        return exclusive(self._lock_file, what, timeout=_TURN, tell=self._tell)
