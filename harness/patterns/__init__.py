"""The two ways to take work from a queue: one module each, its object called `PATTERN`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from harness.kube import Manifest, load, load_job


@dataclass(frozen=True)
class Workers:
    """How the workers of a Job are to run. What is left out stays as the task page has it."""

    image: str
    parallelism: int = 2
    #: None leaves the Job's own, which for the fine pattern is none at all.
    completions: int | None = None
    #: Added to the container's environment; a value may refer to another as `$(NAME)`.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Added to the pod's spec.
    pod: Mapping[str, Any] = field(default_factory=dict)


def broker_manifests(pattern: str, image: str) -> list[Manifest]:
    """What has to be created for a pattern's broker, in order, with `image` in its pod."""
    folder = files("harness.manifests") / "patterns" / pattern
    names = sorted(file.name for file in folder.iterdir() if file.name != "job.yaml")
    manifests = [manifest for name in names for manifest in load(folder / name)]
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            manifest["spec"]["containers"][0]["image"] = image
        elif manifest["kind"] == "StatefulSet":
            manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return manifests


def page_job(pattern: str) -> Manifest:
    """The Job of a pattern's task page; its image is still a placeholder."""
    return load_job(files("harness.manifests") / "patterns" / pattern / "job.yaml")


def with_workers(job: Manifest, workers: Workers) -> Manifest:
    """A copy of a Job, run by `workers`."""
    made = copy.deepcopy(job)
    spec = made["spec"]
    spec["parallelism"] = workers.parallelism
    if workers.completions is not None:
        spec["completions"] = workers.completions
    pod = spec["template"]["spec"]
    pod.update(copy.deepcopy(dict(workers.pod)))
    container = pod["containers"][0]
    container["image"] = workers.image
    kept = [one for one in container.get("env", []) if one["name"] not in workers.env]
    added = [{"name": name, "value": value} for name, value in workers.env.items()]
    container["env"] = kept + added
    return made
