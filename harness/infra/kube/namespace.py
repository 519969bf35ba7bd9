"""One namespace: what a test sees of the cluster."""

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
from harness.infra.kube.process_label import USER, user
from harness.infra.kube.streams import Lines

#: Bytes of a line that surely have its time.
_BEGINNING = 64


class Namespace:
    """A namespace by name. Reads give frozen records; every wait is bounded by the timeouts.

    All methods raise `Refused` when the API server says no (status 404: there is no such thing),
    and `InfrastructureError` when it does not answer.
    """

    def __init__(self, cluster: Cluster, api: Api, name: str) -> None:
        self.name, self.timeouts = name, api.timeouts
        self._cluster, self._api = cluster, api

    def __repr__(self) -> str:
        return f"<namespace {self.name} of cluster {self._cluster.name}>"

    def kubectl(
        self, *arguments: str, timeout: float | None = None, check: bool = True
    ) -> commands.Completed:
        """`kubectl ARGUMENTS` in this namespace; errors as `shell.run`."""
        return commands.run(
            [self._cluster.kubectl, "--namespace", self.name, *arguments],
            timeout=timeout or self.timeouts.command,
            check=check,
            env=self._env,
        )

    # -- looking ------------------------------------------------------------------------------

    def pod(self, name: str) -> Pod:
        return Pod.of(self._api.pod(self.name, name))

    def pods(self, selector: str = "") -> list[Pod]:
        """The pods that a label selector, as `app=redis`, fits; those being deleted too."""
        return [Pod.of(item) for item in self._api.pods(self.name, selector)["items"]]

    def pods_of(self, job: str) -> list[Pod]:
        """The pods that a Job has made."""
        return self.pods(f"batch.kubernetes.io/job-name={job}")

    def pods_and_version(self) -> tuple[list[Pod], str]:
        """All pods, and the resource version from which `watch_pods` goes on."""
        answer = self._api.pods(self.name)
        return [Pod.of(item) for item in answer["items"]], answer["metadata"]["resourceVersion"]

    def job(self, name: str) -> Job:
        return Job.of(self._api.job(self.name, name))

    def cluster_ip(self, service: str) -> str:
        """The address that the cluster gave to a Service."""
        return str(self._api.service(self.name, service)["spec"]["clusterIP"])

    def nodes(self) -> list[Node]:
        """The cluster's nodes."""
        return [Node.of(item) for item in self._api.nodes("")["items"]]

    def events(self) -> list[ObjectEvent]:
        """All events that are still known, oldest first."""
        found = [ObjectEvent.of(item) for item in self._api.events(self.name)["items"]]
        return sorted(found, key=lambda event: event.at)

    def warnings(self) -> list[ObjectEvent]:
        """Those of the events that say that something is not as it should be."""
        return [
            ObjectEvent.of(item) for item in self._api.events(self.name, "type=Warning")["items"]
        ]

    def log(self, pod: str, *, container: str | None = None, previous: bool = False) -> str:
        """What a container has written so far; `previous`: in its run before the present one."""
        return self._api.log(self.name, pod, container, previous)

    def last_line(self, pod: str, container: str) -> str:
        """The last line that a container has written, after its time; empty when there is none."""
        text = self._api.log(self.name, pod, container, False, last=1, times=True)
        # Line feeds alone divide lines: a worker may write form feeds and the like.
        return text.removesuffix("\n").rpartition("\n")[2]

    def first_line(self, pod: str, container: str) -> str:
        """How the first line begins that a container has written, with its time; or empty."""
        text = self._api.log(self.name, pod, container, False, most=_BEGINNING, times=True)
        return text.partition("\n")[0]

    def follow_log(self, pod: str, container: str, *, previous: bool = False) -> Lines:
        """A container's log from its beginning, each line with its time, until the log ends."""
        return self._api.follow_log(self.name, pod, container, previous)

    def watch_pods(self, version: str, seconds: int) -> Lines:
        """Changes of pods since `version`, one JSON object a line, for up to `seconds`."""
        return self._api.watch_pods(self.name, version, seconds)

    def watch_job(self, name: str, version: str, seconds: int) -> Lines:
        """Changes of a Job since `version`, one JSON object a line, for up to `seconds`."""
        return self._api.watch_job(self.name, name, version, seconds)

    # -- doing --------------------------------------------------------------------------------

    def create(self, *manifests: Manifest) -> None:
        """Create objects, in order; the error names the kind and the name of what was refused."""
        for manifest in manifests:
            self._api.create(self.name, manifest)

    def apply(self, *manifests: Manifest) -> None:
        """Have objects be as these say, in order; whether they are there already does not matter.

        They come into this namespace, whatever they say; errors as `create`.
        """
        for manifest in manifests:
            self._api.apply(self.name, manifest)

    def delete_pod(self, name: str, *, grace: int) -> None:
        """Ask for the end of a pod. With grace 0 it gets SIGTERM and about two seconds."""
        self._api.delete_pod(self.name, name, grace)

    def evict_pod(self, name: str, *, grace: int) -> None:
        """Ask for the end of a pod as whoever drains its node does; it gets `grace` seconds."""
        self._api.evict_pod(self.name, name, grace)

    @contextlib.contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """A node that takes no new pods for as long as the block lasts."""
        self._api.patch_node(node, unschedulable=True, labels={USER: user()})
        try:
            yield
        finally:
            self._api.patch_node(node, unschedulable=False, labels={USER: None})

    def delete_job(self, name: str) -> None:
        """Ask for the end of a Job and of its pods; none of that name is fine."""
        self._api.delete_job(self.name, name)

    def scale_job(self, name: str, parallelism: int) -> None:
        """Let so many pods of a Job run at once, from now on."""
        self._api.patch_job(self.name, name, {"spec": {"parallelism": parallelism}})

    def patch_selector(self, service: str, **labels: str | None) -> None:
        """Let a Service ask for these labels, too, in the pods that it leads to; None: no more."""
        self._api.patch_service(self.name, service, {"spec": {"selector": labels}})

    def remove_service(self, service: str) -> Manifest:
        """Delete a Service; the manifest with which `create` brings back the very same."""
        seen = self._api.service(self.name, service)
        self._api.delete_service(self.name, service)
        spec = seen["spec"]
        kept = {key: spec[key] for key in ("selector", "ports", "clusterIP")}
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service},
            "spec": kept,
        }

    def container_id(self, pod: str, container: str) -> str:
        """The id that the node's runtime knows a container's present run by; empty without one."""
        for status in self._api.pod(self.name, pod).get("status", {}).get("containerStatuses", []):
            if status["name"] == container:
                return str(status.get("containerID", "")).rpartition("/")[2]
        return ""

    def execute(self, pod: str, *argv: str, container: str | None = None) -> Executed:
        """Run a command in a container and wait for its end. A code other than 0 is no error."""
        return self._api.execute(self.name, pod, argv, container)

    def forward(self, pod: str, port: int) -> AbstractContextManager[int]:
        """A local port that leads to `port` of `pod` for as long as the block lasts."""
        return forward(
            self._cluster.kubectl, self._env, self.name, pod, port, timeout=self.timeouts.forward
        )

    # -- waiting ------------------------------------------------------------------------------

    def wait_ready(self, pod: str, *, timeout: float | None = None) -> Pod:
        """Wait until a pod is ready (it need not exist yet).

        Raises `InfrastructureError`, before the time is over, when it cannot become so: its image
        is not there, it crashes, or the scheduler finds no place for it.
        """

        def probe() -> Pod:
            seen = self._present(pod)
            self._no_hope(seen, not_ready(seen, now(), self.timeouts.schedule), "become ready")
            if not seen.ready:
                raise NotYet(str(seen))
            return seen

        return wait_until(
            f"pod {pod} to be ready", probe, timeout=timeout or self.timeouts.pod_ready
        )

    def wait_running(self, pod: str) -> Pod:
        """Wait until all containers of a pod have been started; errors as `wait_ready`."""

        def probe() -> Pod:
            seen = self._present(pod)
            self._no_hope(seen, stuck(seen, now(), self.timeouts.schedule), "start")
            if not seen.containers or not all(one.started for one in seen.containers):
                raise NotYet(str(seen))
            return seen

        return wait_until(f"pod {pod} to run", probe, timeout=self.timeouts.pod_ready)

    def wait_ended(self, job: str, *, timeout: float | None = None) -> Job:
        """Wait until a Job is Complete *or* Failed; the record says which.

        Raises `InfrastructureError` early when one of its pods cannot even start.
        """
        return self.wait_job(job, "to end", lambda seen: seen.ended is not None, timeout=timeout)

    def wait_job(
        self, job: str, what: str, test: Callable[[Job], bool], *, timeout: float | None = None
    ) -> Job:
        """Wait until `test` holds for a Job, which is expected `what`; errors as `wait_ended`."""

        def probe() -> Job:
            seen = self.job(job)
            if test(seen):
                return seen
            for pod in self.pods_of(job):
                self._no_hope(pod, stuck(pod, now(), self.timeouts.schedule), "start")
            raise NotYet(str(seen))

        return wait_until(f"Job {job} {what}", probe, timeout=timeout or self.timeouts.job)

    def wait_node_open(self, name: str, tolerated: Collection[str]) -> Node:
        """Wait until a node takes pods that tolerate taints of these keys."""

        def probe() -> Node:
            seen = next((one for one in self.nodes() if one.name == name), None)
            if seen is None or not seen.ready or not {*seen.taints} <= {*tolerated}:
                raise NotYet(str(seen or f"no node {name}"))
            return seen

        return wait_until(f"node {name} to take pods", probe, timeout=self.timeouts.pod_ready)

    # -- how ----------------------------------------------------------------------------------

    @property
    def _env(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self._cluster.kubeconfig)}

    def _present(self, pod: str) -> Pod:
        try:
            return self.pod(pod)
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise
            raise NotYet(f"no pod {pod}") from refused

    def _no_hope(self, pod: Pod, why: str | None, what: str) -> None:
        if why is None:
            return
        raise InfrastructureError(
            f"pod {pod.name} cannot {what}",
            expected=f"pod {pod.name} of namespace {self.name} to {what}",
            seen=why + self._last_words(pod),
            todo="see the pod's log and the events in the output folder",
        )

    def _last_words(self, pod: Pod) -> str:
        """The end of the log of each container that has exited, in its last run or this one."""
        words = []
        for one in pod.containers:
            if one.exit_code is None:
                continue
            try:
                log = self.log(pod.name, container=one.name, previous=not one.started)
            except InfrastructureError as error:
                log = f"(its log is not to be had: {error})"
            words += [f"    {one.name}: {line}" for line in log.splitlines()[-10:]]
        return "".join(f"\n{line}" for line in words)
