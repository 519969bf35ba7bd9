"""The two ways to take work from a queue: one module each, its object called `PATTERN`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, Protocol

import msgspec

from harness.errors import UsageError
from harness.history import BrokerBack, BrokerDepth, CopyLeft, ItemEnqueued, ItemLeft
from harness.kube import Manifest, Namespace, load, load_job
from harness.tap.points import Point
from harness.wire.reader import Reader
from harness.wire.roles import Roles
from harness.worker import Seeding

#: Of a pod's spec: what belongs to the shape of the Job, or beside the worker.
_OF_THE_JOB = ("containers", "restartPolicy", "activeDeadlineSeconds")


@dataclass(frozen=True)
class Workers:
    """How the workers of a Job are to run. What is left out stays as the task page has it."""

    image: str
    #: None leaves the Job's own.
    parallelism: int | None = 2
    #: None leaves the Job's own, which for the fine pattern is none at all.
    completions: int | None = None
    #: Added to the container's environment; a value may refer to another as `$(NAME)`.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Added to the pod's spec.
    pod: Mapping[str, Any] = field(default_factory=dict)
    #: Which container is the worker; empty: the only one.
    container: str = ""
    #: Its owner's Job: the worker's container, and its pod, are as they are there.
    like: Manifest | None = None


@dataclass(frozen=True)
class Points:
    """Where a worker of this pattern can be stopped; None where its wire does not show the moment.

    `settling` is before the broker has heard that an item is done; `settled` lets it hear, and
    holds what follows. `claiming` is before the broker has heard that an item is wanted.
    """

    delivered: Point
    settling: Point | None
    settled: Point | None
    claiming: Point | None = None
    #: Before it is asked how many items there are.
    counting: Point | None = None

    def delivered_of(self, item: bytes) -> Point:
        """`delivered` of one item; never met where the wire does not say which it is."""
        return msgspec.structs.replace(self.delivered, items=(item,), unnamed=())


@dataclass(frozen=True)
class Places:
    """What is known of keys with items in other bytes than their own."""

    #: Where items lie that somebody has.
    leased: Sequence[str] = ()
    #: Where what was set aside lies.
    dead: Sequence[str] = ()
    #: Where successes write; None while it is not known yet.
    done: Callable[[str], bool] | None = None
    #: Keys in which items can be read wherever their ids are, and how it stands with those.
    bodies: Mapping[str, Literal["leased", "dead"]] = field(default_factory=dict)

    def where(self, place: str, *, expires: bool) -> Literal["leased", "dead"] | None:
        """What it means that an item is to be read there; None for nothing.

        Where fault-free successes never write, what stays was set aside.
        """
        if place in self.bodies:
            return None if expires and self.bodies[place] == "dead" else self.bodies[place]
        if place in self.leased:
            return "leased"
        if place in self.dead and not expires:
            return "dead"
        if expires or self.done is None or self.done(place):
            return None
        return "dead"


class Broker(Protocol):
    """The broker itself, past the tap; all that is done here is the harness's own doing."""

    def limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Make the (new) queue set aside by itself what was given out so often, where it can."""

    def set_aside(self, queue: str) -> int:
        """How many items the queue has set aside by itself."""

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Put items into the (new) queue, in order."""

    def mark(self, key: str) -> None:
        """Leave the marker that says that all is sent, where the broker can have one."""

    def left(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[Sequence[ItemLeft | CopyLeft | ItemEnqueued], BrokerDepth]:
        """What is left of them, found by a look at all there is.

        `dead` are dead-letter places, or (in RabbitMQ) any other queues of the workers.

        It may take the items out: nothing is run on this queue afterwards.
        """

    def remains(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """What workers have left there beside the queue and what they set aside; by its name.

        What goes by itself, after a time, is not meant.
        """

    def came_back(self, queue: str) -> BrokerBack | None:
        """What it has after a restart, as far as this queue tells; None: the tap says it."""

    def clear(self) -> None:
        """Forget everything."""


class Pattern(Protocol):
    """One of the two ways to take work from a queue: a module's `PATTERN`."""

    # Read only: the patterns are frozen.
    @property
    def name(self) -> str: ...
    @property
    def recipe(self) -> str: ...
    @property
    def broker_pod(self) -> str: ...
    @property
    def broker_container(self) -> str: ...
    @property
    def broker_volume(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def queue_env(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def items(self) -> tuple[str, ...]: ...
    @property
    def service(self) -> str: ...
    @property
    def port(self) -> int: ...

    def url_of(self, queue: str) -> str:
        """The broker's address, as many clients want it; pods can resolve it."""

    def manifest(self, workers: Workers) -> Manifest:
        """The task page's Job, run by `workers`."""

    def deploy_tapped(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start the broker, its tap and their Service; returns when they take connections."""

    def behind_the_tap(self, namespace: Namespace) -> AbstractContextManager[Broker]:
        """The broker, reached past the tap."""

    def reader(self, queue: str, epoch: float, roles: Roles | None, how: Seeding) -> Reader:
        """What reads this broker's wire; `epoch` is moment 0 in seconds since 1970."""

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points: ...

    def state(self, namespace: Namespace) -> str:
        """All that the broker holds, for a reader."""


def broker_manifests(pattern: str, image: str) -> list[Manifest]:
    """What has to be created for a pattern's broker, in order, with `image` in its pod."""
    manifests = _manifests(pattern)
    for manifest in manifests:
        for container in _containers(manifest):
            container["image"] = image
    return manifests


def tapped_manifests(pattern: str, broker_image: str, tap_image: str) -> list[Manifest]:
    """The same with a tap in the broker's pod, which stands where workers look for the broker."""
    services = [one for one in _manifests(pattern) if one["kind"] == "Service"]
    manifests = services + _manifests(f"{pattern}/tapped")
    for manifest in manifests:
        for container in _containers(manifest):
            container["image"] = tap_image if container["name"] == "tap" else broker_image
    return manifests


def _manifests(folder: str) -> list[Manifest]:
    place = files("harness.manifests") / "patterns" / folder
    found = {file.name: file for file in place.iterdir() if file.is_file()}
    return [one for name in sorted(found) if name != "job.yaml" for one in load(found[name])]


def _containers(manifest: Manifest) -> list[dict[str, Any]]:
    """Of a Pod or of what has a template for one; else none."""
    spec = manifest["spec"].get("template", manifest).get("spec", {})
    containers: list[dict[str, Any]] = spec.get("containers", [])
    return containers


def page_job(pattern: str) -> Manifest:
    """The Job of a pattern's task page; its image is still a placeholder."""
    return load_job(files("harness.manifests") / "patterns" / pattern / "job.yaml")


def with_workers(job: Manifest, workers: Workers) -> Manifest:
    """A copy of a Job, run by `workers`."""
    made = copy.deepcopy(job)
    made["metadata"].pop("namespace", None)  # it runs in the harness' own
    spec = made["spec"]
    if workers.parallelism is not None:
        spec["parallelism"] = workers.parallelism
    if workers.completions is not None:
        spec["completions"] = workers.completions
    pod = spec["template"]["spec"]
    container = worker_container(made, "" if workers.like else workers.container)
    if workers.like is not None:
        _carry_over(workers.like, workers.container, pod, container)
    pod.update(copy.deepcopy(dict(workers.pod)))
    container["image"] = workers.image
    kept = [one for one in container.get("env", []) if one["name"] not in workers.env]
    added = [{"name": name, "value": value} for name, value in workers.env.items()]
    container["env"] = kept + added
    return made


def _carry_over(owners: Manifest, name: str, pod: Any, container: Any) -> None:
    """Have the worker and its pod be as in its owner's Job; without what is beside the worker."""
    theirs = copy.deepcopy(owners["spec"]["template"]["spec"])
    worker = copy.deepcopy(worker_container(owners, name))
    for key, value in theirs.items():
        if key not in _OF_THE_JOB:
            pod[key] = value
    known = {one["name"] for one in worker.get("env", [])}
    kept = [one for one in container.get("env", []) if one["name"] not in known]
    env = kept + worker.pop("env", [])
    for key, value in worker.items():
        if key not in ("name", "image"):
            container[key] = value
    container["env"] = env


def worker_container(job: Manifest, name: str = "") -> Any:
    """The container of a Job's pod that is the worker: the only one, or the one called `name`.

    Raises `UsageError` where it is not clear which one.
    """
    try:
        containers = {
            str(one["name"]): one for one in job["spec"]["template"]["spec"]["containers"]
        }
    except (KeyError, TypeError) as error:
        raise UsageError(
            "the Job has no pod with containers",
            expected="spec.template.spec.containers, each with a name",
            seen=f"{error!r}",
        ) from error
    if name in containers:
        return containers[name]
    if name or len(containers) != 1:
        raise UsageError(
            f"the Job's pod has no container {name!r}"
            if name
            else f"the Job's pod has {len(containers)} containers",
            expected="one container that is the worker",
            seen=", ".join(containers) or "none",
            todo="name the worker's container with --container",
        )
    return next(iter(containers.values()))
