"""The manifests of a pattern: its broker, and a Job for the worker under test."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from harness.core.errors import UsageError
from harness.infra.kube import Manifest, load, load_job

#: Fields of a pod's spec that belong to the form of the Job, or to other containers than the
#: worker.
_JOB_FIELDS = ("containers", "restartPolicy", "activeDeadlineSeconds")


@dataclass(frozen=True)
class JobOptions:
    """How to run the workers of a Job. An omitted option stays as in the tutorial."""

    image: str
    #: None keeps the Job's own value.
    parallelism: int | None = 2
    #: None keeps the Job's own value; the fine pattern's Job has none.
    completions: int | None = None
    #: Variables to add to the container; a value may refer to another as `$(NAME)`.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Fields to add to the pod's spec.
    pod: Mapping[str, Any] = field(default_factory=dict)
    #: Name of the worker container; empty: the only one.
    container: str = ""
    #: The owner's Job, from which the worker's container and its pod are copied.
    like: Manifest | None = None


def broker_manifests(pattern: str, image: str) -> list[Manifest]:
    """Return the manifests of a pattern's broker, in order, with `image` in its pod."""
    manifests = _read_manifests(pattern)
    for manifest in manifests:
        for container in _containers(manifest):
            container["image"] = image
    return manifests


def tapped_manifests(pattern: str, broker_image: str, tap_image: str) -> list[Manifest]:
    """Return the broker's manifests with a tap in its pod.

    The tap listens where workers expect the broker.
    """
    services = [service for service in _read_manifests(pattern) if service["kind"] == "Service"]
    manifests = services + _read_manifests(f"{pattern}/tapped")
    for manifest in manifests:
        for container in _containers(manifest):
            container["image"] = tap_image if container["name"] == "tap" else broker_image
    return manifests


def _read_manifests(folder: str) -> list[Manifest]:
    """Return the manifests of a folder in the order of file names, without the Job."""
    directory = files("harness.manifests") / "patterns" / folder
    manifest_files = {file.name: file for file in directory.iterdir() if file.is_file()}
    return [
        manifest
        for name in sorted(manifest_files)
        if name != "job.yaml"
        for manifest in load(manifest_files[name])
    ]


def _containers(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the containers of a Pod, or of a pod template; empty for other kinds."""
    spec = manifest["spec"].get("template", manifest).get("spec", {})
    containers: list[dict[str, Any]] = spec.get("containers", [])
    return containers


def tutorial_job(pattern: str) -> Manifest:
    """Return the Job of a pattern's tutorial; its image is still a placeholder."""
    return load_job(files("harness.manifests") / "patterns" / pattern / "job.yaml")


def with_workers(job: Manifest, workers: JobOptions) -> Manifest:
    """Return a copy of a Job, run by `workers`."""
    result = copy.deepcopy(job)
    result["metadata"].pop("namespace", None)  # it runs in the harness's own namespace
    spec = result["spec"]
    if workers.parallelism is not None:
        spec["parallelism"] = workers.parallelism
    if workers.completions is not None:
        spec["completions"] = workers.completions
    pod = spec["template"]["spec"]
    container = worker_container(result, "" if workers.like else workers.container)
    if workers.like is not None:
        _carry_over(workers.like, workers.container, pod, container)
    pod.update(copy.deepcopy(dict(workers.pod)))
    container["image"] = workers.image
    kept = [
        variable for variable in container.get("env", []) if variable["name"] not in workers.env
    ]
    added = [{"name": name, "value": value} for name, value in workers.env.items()]
    container["env"] = kept + added
    return result


def _carry_over(owners: Manifest, name: str, pod: Any, container: Any) -> None:
    """Copy the worker and its pod from its owner's Job, without the containers next to it."""
    owner_pod = copy.deepcopy(owners["spec"]["template"]["spec"])
    worker = copy.deepcopy(worker_container(owners, name))
    for key, value in owner_pod.items():
        if key not in _JOB_FIELDS:
            pod[key] = value
    names = {variable["name"] for variable in worker.get("env", [])}
    kept = [variable for variable in container.get("env", []) if variable["name"] not in names]
    env = kept + worker.pop("env", [])
    for key, value in worker.items():
        if key not in ("name", "image"):
            container[key] = value
    container["env"] = env


def worker_container(job: Manifest, name: str = "") -> Any:
    """Return the worker's container in a Job's pod: the only one, or the one called `name`.

    Raises `UsageError` if it is not clear which one is meant.
    """
    try:
        containers = {
            str(container["name"]): container
            for container in job["spec"]["template"]["spec"]["containers"]
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
