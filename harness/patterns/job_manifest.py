"""The manifests of a pattern: its broker, and a Job that is run by the worker under test."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from harness.core.errors import UsageError
from harness.infra.kube import Manifest, load, load_job

#: Of a pod's spec: what belongs to the shape of the Job, or beside the worker.
_OF_THE_JOB = ("containers", "restartPolicy", "activeDeadlineSeconds")


@dataclass(frozen=True)
class JobOptions:
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


def tutorial_job(pattern: str) -> Manifest:
    """The Job of a pattern's task page; its image is still a placeholder."""
    return load_job(files("harness.manifests") / "patterns" / pattern / "job.yaml")


def with_workers(job: Manifest, workers: JobOptions) -> Manifest:
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
