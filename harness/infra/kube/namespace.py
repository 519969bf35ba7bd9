"""One namespace: the part of the cluster that a test uses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager

from harness.core import commands
from harness.core.clock import NotYet, now, wait_until
from harness.core.errors import InfrastructureError
from harness.infra.cluster import Cluster
from harness.infra.kube.api import NOT_FOUND, Api, Executed, Refused
from harness.infra.kube.manifests import Manifest
from harness.infra.kube.objects import Job, Node, ObjectEvent, Pod
from harness.infra.kube.pod_diagnosis import not_ready, stuck
from harness.infra.kube.port_forward import forward
from harness.infra.kube.process_label import USER, owner_label
from harness.infra.kube.streams import Lines

#: Bytes at the beginning of a line that always include its time.
_TIME_BYTES = 64


class Namespace:
    """One namespace. Reads return frozen records; the timeouts bound every wait.

    All methods raise `Refused` if the API server refuses a request (status 404: there is no such
    object), and `InfrastructureError` if it does not answer.
    """

    def __init__(self, cluster: Cluster, api: Api, name: str) -> None:
        self.name, self.timeouts = name, api.timeouts
        self._cluster, self._api = cluster, api

    def __repr__(self) -> str:
        return f"<namespace {self.name} of cluster {self._cluster.name}>"

    def kubectl(
        self, *arguments: str, timeout: float | None = None, check: bool = True
    ) -> commands.Completed:
        """Run `kubectl ARGUMENTS` in this namespace; raises the same errors as `commands.run`."""
        return commands.run(
            [self._cluster.kubectl, "--namespace", self.name, *arguments],
            timeout=timeout or self.timeouts.command,
            check=check,
            env=self._env,
        )

    # -- reading ------------------------------------------------------------------------------

    def pod(self, name: str) -> Pod:
        return Pod.of(self._api.pod(self.name, name))

    def pods(self, selector: str = "") -> list[Pod]:
        """Return the pods that match a label selector like `app=redis`, terminating pods too."""
        return [Pod.of(item) for item in self._api.pods(self.name, selector)["items"]]

    def pods_of(self, job: str) -> list[Pod]:
        """Return the pods that a Job created."""
        return self.pods(f"batch.kubernetes.io/job-name={job}")

    def pods_and_version(self) -> tuple[list[Pod], str]:
        """Return all pods, and the resource version from which `watch_pods` continues."""
        answer = self._api.pods(self.name)
        return [Pod.of(item) for item in answer["items"]], answer["metadata"]["resourceVersion"]

    def job(self, name: str) -> Job:
        return Job.of(self._api.job(self.name, name))

    def cluster_ip(self, service: str) -> str:
        """Return the cluster IP of a Service."""
        return str(self._api.service(self.name, service)["spec"]["clusterIP"])

    def nodes(self) -> list[Node]:
        """Return the cluster's nodes."""
        return [Node.of(item) for item in self._api.nodes("")["items"]]

    def events(self) -> list[ObjectEvent]:
        """Return all events that the cluster still has, oldest first."""
        events = [ObjectEvent.of(item) for item in self._api.events(self.name)["items"]]
        return sorted(events, key=lambda event: event.at)

    def warnings(self) -> list[ObjectEvent]:
        """Return the events of type Warning."""
        return [
            ObjectEvent.of(item) for item in self._api.events(self.name, "type=Warning")["items"]
        ]

    def log(self, pod: str, *, container: str | None = None, previous: bool = False) -> str:
        """Return a container's log so far; with `previous`, the log of its previous run."""
        return self._api.log(self.name, pod, container, previous)

    def last_line(self, pod: str, container: str) -> str:
        """Return the last line of a container's log, after its time; empty if there is none."""
        text = self._api.log(self.name, pod, container, False, last=1, times=True)
        # Only line feeds separate lines: a worker may write form feeds and similar characters.
        return text.removesuffix("\n").rpartition("\n")[2]

    def first_line(self, pod: str, container: str) -> str:
        """Return the beginning of a container's first log line, with its time; or empty."""
        text = self._api.log(self.name, pod, container, False, most=_TIME_BYTES, times=True)
        return text.partition("\n")[0]

    def follow_log(self, pod: str, container: str, *, previous: bool = False) -> Lines:
        """Follow a container's log from its beginning, each line with its time, until it ends."""
        return self._api.follow_log(self.name, pod, container, previous)

    def watch_pods(self, version: str, seconds: int) -> Lines:
        """Watch changes of pods since `version`, for up to `seconds`: a JSON object per line."""
        return self._api.watch_pods(self.name, version, seconds)

    def watch_job(self, name: str, version: str, seconds: int) -> Lines:
        """Watch changes of a Job since `version`, for up to `seconds`: a JSON object per line."""
        return self._api.watch_job(self.name, name, version, seconds)

    # -- changing -----------------------------------------------------------------------------

    def create(self, *manifests: Manifest) -> None:
        """Create objects, in order; an error names the kind and name of the refused object."""
        for manifest in manifests:
            self._api.create(self.name, manifest)

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests, in order: create or update their objects.

        The objects are in this namespace, even if a manifest names another. An error names the
        kind and name of the refused object, as in `create`.
        """
        for manifest in manifests:
            self._api.apply(self.name, manifest)

    def delete_pod(self, name: str, *, grace: int) -> None:
        """Delete a pod. With grace 0 it gets SIGTERM and about two seconds."""
        self._api.delete_pod(self.name, name, grace)

    def evict_pod(self, name: str, *, grace: int) -> None:
        """Evict a pod, as a drain of its node does; it gets `grace` seconds."""
        self._api.evict_pod(self.name, name, grace)

    @contextlib.contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """Cordon a node, so that it takes no new pods, until the block ends."""
        self._api.patch_node(node, unschedulable=True, labels={USER: owner_label()})
        try:
            yield
        finally:
            self._api.patch_node(node, unschedulable=False, labels={USER: None})

    def delete_job(self, name: str) -> None:
        """Delete a Job and its pods; no error if there is no such Job."""
        self._api.delete_job(self.name, name)

    def scale_job(self, name: str, parallelism: int) -> None:
        """Set how many pods of a Job may run at the same time."""
        self._api.patch_job(self.name, name, {"spec": {"parallelism": parallelism}})

    def patch_selector(self, service: str, **labels: str | None) -> None:
        """Add labels to a Service's pod selector; None removes a label from it."""
        self._api.patch_service(self.name, service, {"spec": {"selector": labels}})

    def remove_service(self, service: str) -> Manifest:
        """Delete a Service; return the manifest with which `create` restores the same Service."""
        service_object = self._api.service(self.name, service)
        self._api.delete_service(self.name, service)
        spec = service_object["spec"]
        kept = {key: spec[key] for key in ("selector", "ports", "clusterIP")}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service},
            "spec": kept,
        }

    def container_id(self, pod: str, container: str) -> str:
        """Return the node runtime's id of a container's current run; empty without one."""
        for status in self._api.pod(self.name, pod).get("status", {}).get("containerStatuses", []):
            if status["name"] == container:
                return str(status.get("containerID", "")).rpartition("/")[2]
        return ""

    def execute(self, pod: str, *argv: str, container: str | None = None) -> Executed:
        """Run a command in a container until it ends; an exit code other than 0 is no error."""
        return self._api.execute(self.name, pod, argv, container)

    def forward(self, pod: str, port: int) -> AbstractContextManager[int]:
        """Forward a local port to `port` of `pod` until the block ends."""
        return forward(
            self._cluster.kubectl, self._env, self.name, pod, port, timeout=self.timeouts.forward
        )

    # -- waiting ------------------------------------------------------------------------------

    def wait_ready(self, pod: str, *, timeout: float | None = None) -> Pod:
        """Wait until a pod is ready; it need not exist yet.

        Raises `InfrastructureError` before the timeout if the pod cannot become ready: its image
        is missing, it crashes, or the scheduler finds no node for it.
        """

        def probe() -> Pod:
            record = self._existing_pod(pod)
            self._raise_if_hopeless(
                record, not_ready(record, now(), self.timeouts.schedule), "become ready"
            )
            if not record.ready:
                raise NotYet(str(record))
            return record

        return wait_until(
            f"pod {pod} to be ready", probe, timeout=timeout or self.timeouts.pod_ready
        )

    def wait_running(self, pod: str) -> Pod:
        """Wait until all containers of a pod were started; raises the errors of `wait_ready`."""

        def probe() -> Pod:
            record = self._existing_pod(pod)
            self._raise_if_hopeless(record, stuck(record, now(), self.timeouts.schedule), "start")
            if not record.containers or not all(c.started for c in record.containers):
                raise NotYet(str(record))
            return record

        return wait_until(f"pod {pod} to run", probe, timeout=self.timeouts.pod_ready)

    def wait_ended(self, job: str, *, timeout: float | None = None) -> Job:
        """Wait until a Job is Complete *or* Failed; the returned record has the state.

        Raises `InfrastructureError` before the timeout if one of its pods cannot start.
        """
        return self.wait_job(
            job, "to end", lambda record: record.ended is not None, timeout=timeout
        )

    def wait_job(
        self, job: str, what: str, test: Callable[[Job], bool], *, timeout: float | None = None
    ) -> Job:
        """Wait until `test` holds for a Job; raises the errors of `wait_ended`.

        Args:
            job: The Job's name.
            what: The expected state, for messages: "to end".
            test: Returns whether the Job is in that state.
            timeout: Seconds to wait; None: the configured time for a Job.
        """

        def probe() -> Job:
            record = self.job(job)
            if test(record):
                return record
            for pod in self.pods_of(job):
                self._raise_if_hopeless(pod, stuck(pod, now(), self.timeouts.schedule), "start")
            raise NotYet(str(record))

        return wait_until(f"Job {job} {what}", probe, timeout=timeout or self.timeouts.job)

    def wait_node_open(self, name: str, tolerated: Collection[str]) -> Node:
        """Wait until a node takes pods that tolerate the taints with these keys."""

        def probe() -> Node:
            node = next((n for n in self.nodes() if n.name == name), None)
            if node is None or not node.ready or not {*node.taints} <= {*tolerated}:
                raise NotYet(str(node or f"no node {name}"))
            return node

        return wait_until(f"node {name} to take pods", probe, timeout=self.timeouts.pod_ready)

    # -- internals ----------------------------------------------------------------------------

    @property
    def _env(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self._cluster.kubeconfig)}

    def _existing_pod(self, pod: str) -> Pod:
        try:
            return self.pod(pod)
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            raise NotYet(f"no pod {pod}") from refused

    def _raise_if_hopeless(self, pod: Pod, why: str | None, what: str) -> None:
        if why is None:
            return
        raise InfrastructureError(
            f"pod {pod.name} cannot {what}",
            expected=f"pod {pod.name} of namespace {self.name} to {what}",
            seen=why + self._log_tails(pod),
            todo="see the pod's log and the events in the output folder",
        )

    def _log_tails(self, pod: Pod) -> str:
        """Return the last log lines of each container that exited, in this run or the last one."""
        lines = []
        for container in pod.containers:
            if container.exit_code is None:
                continue
            try:
                log = self.log(pod.name, container=container.name, previous=not container.started)
            except InfrastructureError as error:
                log = f"(its log is not to be had: {error})"
            lines += [f"    {container.name}: {line}" for line in log.splitlines()[-10:]]
        return "".join(f"\n{line}" for line in lines)
