"""Provenance of a run, for its report: image, cluster, broker, manifests, this tool."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from harness import __version__, manifests
from harness.core import commands
from harness.core.errors import CommandFailed, InfrastructureError, QueuejobError, TimedOut
from harness.core.process_identity import current_process
from harness.engine.worker import companion_manifests
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.infra.cluster import Cluster
from harness.infra.docker import Docker
from harness.infra.infrastructure import Infrastructure
from harness.patterns.base import PATTERNS
from harness.report.canonical import digest
from harness.report.model import (
    Broker,
    Digested,
    Environment,
    Harness,
    Image,
    Implementation,
)

#: Timeout of one query, in seconds.
_TIMEOUT = 30.0
#: Prefix of the standard labels of an image, and the report's fields that they fill.
_LABEL_PREFIX = "org.opencontainers.image."
_LABEL_OF_FIELD = {
    "organization": "vendor",
    "project": "title",
    "url": "url",
    "version": "version",
    "contact": "authors",
}


class Provenance(msgspec.Struct, frozen=True):
    """All that is known of the run's inputs once there is a cluster."""

    implementation: Implementation
    environment: Environment
    brokers: tuple[Broker, ...]
    manifests: tuple[Digested, ...]

    @classmethod
    def load(cls, path: Path) -> Provenance:
        return msgspec.json.decode(path.read_bytes(), type=cls)


def save_once(
    bench: Infrastructure, cluster: Cluster, worker: WorkerUnderTest, ref: str, path: Path
) -> None:
    """Write the provenance into `path`, unless another process has done so.

    Raises `InfrastructureError` when the image is not the one that the other process saw.
    """
    current = implementation(bench.docker, worker.image, ref)
    if not path.exists():
        files = manifests_of(worker)
        provenance = Provenance(
            current,
            _environment(bench, cluster),
            (_broker(bench, worker.pattern, files),),
            files,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        new_file = path.with_suffix(f".{current_process().pid}.new")
        new_file.write_bytes(msgspec.json.encode(provenance))
        new_file.replace(path)
    elif (first := Provenance.load(path).implementation.image) != current.image:
        raise InfrastructureError(
            f"{worker.image} has become another image while it was tested",
            expected=first.digest,
            seen=current.image.digest,
            todo="test an image that nobody builds meanwhile, best by its digest",
        )


def implementation(docker: Docker, name: str, ref: str) -> Implementation:
    """Return the image that `ref` is in Docker, and the origin that its labels name."""
    inspection = json.loads(docker.run("image", "inspect", ref).stdout)[0]
    labels = inspection.get("Config", {}).get("Labels") or {}
    origin = {
        field: str(labels.get(f"{_LABEL_PREFIX}{label}", ""))
        for field, label in _LABEL_OF_FIELD.items()
    }
    return Implementation(image=_image(name, inspection), **origin)


def _image(name: str, found: Mapping[str, Any]) -> Image:
    """Describe an image by the digest of its manifest if it was pulled, else by its id."""
    digests = sorted(
        repo_digest.rpartition("@")[2] for repo_digest in found.get("RepoDigests") or []
    )
    image_platform = f"{found.get('Os', '')}/{found.get('Architecture', '')}"
    if digests:
        return Image(ref=name, digest=digests[0], digest_kind="manifest", platform=image_platform)
    return Image(ref=name, digest=found["Id"], digest_kind="imageId", platform=image_platform)


def manifests_of(worker: WorkerUnderTest) -> tuple[Digested, ...]:
    """Return the pattern's manifests, and the user's own: the Job, and what it needs."""
    root = manifests.folder()
    files = {
        file.relative_to(root).as_posix(): file
        for file in sorted((root / "patterns" / worker.pattern).rglob("*.yaml"))
    }
    if worker.job is not None:
        files[worker.job.name] = worker.job
    if (folder := worker.manifests) is not None:
        files |= {
            f"{folder.resolve().name}/{file.name}": file
            for file in companion_manifests.files(folder)
        }
    return tuple(
        Digested(path=name, sha256=digest(file.read_bytes())) for name, file in files.items()
    )


def harness() -> Harness:
    """Describe this tool: its version, its commit in a checkout, and all installed packages."""
    installed = sorted(
        {f"{package.name}=={package.version}" for package in metadata.distributions()}
    )
    root = Path(__file__).parents[2]
    commit, dirty = "", None
    if (root / ".git").exists():
        commit = _output_of("git", "-C", root, "rev-parse", "HEAD")
        dirty = bool(_output_of("git", "-C", root, "status", "--porcelain")) if commit else None
    return Harness(
        version=__version__,
        commit=commit,
        dirty=dirty,
        lock_digest=digest("\n".join(installed).encode()),
    )


def _environment(bench: Infrastructure, cluster: Cluster) -> Environment:
    arguments = ("--kubeconfig", cluster.kubeconfig, "get", "nodes", "--output", "json")
    nodes = _nodes(_output_of(cluster.kubectl, *arguments))
    info = nodes[0]["status"]["nodeInfo"] if nodes else {}
    capacity = nodes[0]["status"]["capacity"] if nodes else {}
    catalogue = bench.images.catalogue
    created_here = cluster.owned and bench.settings.provider == "kind"
    return Environment(
        kubernetes=info.get("kubeletVersion", ""),
        provider=bench.settings.provider,
        provider_version=catalogue.module("kind").version if created_here else "",
        node_image_digest=(bench.docker.image_id(catalogue.tag("node")) or "")
        if created_here
        else "",
        nodes=len(nodes),
        runtime=info.get("containerRuntimeVersion", ""),
        arch=info.get("architecture", platform.machine()),
        kernel=info.get("kernelVersion", ""),
        cpu=int(capacity["cpu"]) if str(capacity.get("cpu", "")).isdigit() else 0,
        memory=_bytes(str(capacity.get("memory", ""))),
    )


def _broker(bench: Infrastructure, pattern: str, files: Sequence[Digested]) -> Broker:
    pattern_info = PATTERNS.get(pattern)
    kind, (program, *arguments) = pattern_info.recipe, pattern_info.version_command
    tag = bench.images.catalogue.tag(kind)
    run = ("run", "--rm", "--network=none", "--entrypoint", program, tag, *arguments)
    try:
        output = bench.docker.run(*run, check=False, timeout=_TIMEOUT).stdout
    except QueuejobError:
        output = ""  # the report then shows less; the run is as good as before
    prefix = f"patterns/{pattern}/"
    config = [
        f"{file.path} {file.sha256}"
        for file in files
        if file.path.startswith(prefix) and kind in file.path
    ]
    return Broker(
        kind="redis" if kind == "redis" else "rabbitmq",
        version=_version(output),
        image_digest=bench.docker.image_id(tag) or "",
        config_digest=digest("\n".join(config).encode()),
    )


def _version(said: str) -> str:
    """Return the version in a program's output: 7.0.15 of `Redis server v=7.0.15 sha=…`."""
    words = [word.removeprefix("v=") for word in said.split()]
    return next((word for word in words if word[:1].isdigit() and "." in word), "")


def _output_of(*words: str | Path) -> str:
    """Return the output of a program; empty when it fails."""
    try:
        return commands.run([*words], timeout=_TIMEOUT).stdout.strip()
    except (CommandFailed, TimedOut):
        return ""


def _nodes(said: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = json.loads(said)["items"] if said else []
    return nodes


def _bytes(quantity: str) -> int:
    """Return the bytes of a node's memory, which the kubelet reports in Ki."""
    number = quantity.removesuffix("Ki")
    return int(number) * (1024 if quantity.endswith("Ki") else 1) if number.isdigit() else 0
