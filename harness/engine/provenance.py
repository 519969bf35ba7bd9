"""What a run stands on, for its report: image, cluster, broker, manifests, and this tool itself."""

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

#: Seconds for one question.
_QUICK = 30.0
#: What an image's standard labels say of whose it is.
_LABELS = "org.opencontainers.image."
_TOLD = {
    "organization": "vendor",
    "project": "title",
    "url": "url",
    "version": "version",
    "contact": "authors",
}


class Provenance(msgspec.Struct, frozen=True):
    """All that is known of them once there is a cluster."""

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
    """Write into `path` what this run stands on, unless another process has.

    Raises `InfrastructureError` when the image is not the one that it was for that process.
    """
    seen = implementation(bench.docker, worker.image, ref)
    if not path.exists():
        files = manifests_of(worker)
        made = Provenance(
            seen,
            _environment(bench, cluster),
            (_broker(bench, worker.pattern, files),),
            files,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{current_process().pid}.new")
        fresh.write_bytes(msgspec.json.encode(made))
        fresh.replace(path)
    elif (first := Provenance.load(path).implementation.image) != seen.image:
        raise InfrastructureError(
            f"{worker.image} has become another image while it was tested",
            expected=first.digest,
            seen=seen.image.digest,
            todo="test an image that nobody builds meanwhile, best by its digest",
        )


def implementation(docker: Docker, name: str, ref: str) -> Implementation:
    """The image that `ref` is in Docker, and whose it is, by its own labels."""
    found = json.loads(docker.run("image", "inspect", ref).stdout)[0]
    labels = found.get("Config", {}).get("Labels") or {}
    told = {field: str(labels.get(f"{_LABELS}{label}", "")) for field, label in _TOLD.items()}
    return Implementation(image=_image(name, found), **told)


def _image(name: str, found: Mapping[str, Any]) -> Image:
    """With the digest of its manifest where it was pulled, else with its id."""
    pulled = sorted(one.rpartition("@")[2] for one in found.get("RepoDigests") or [])
    where = f"{found.get('Os', '')}/{found.get('Architecture', '')}"
    if pulled:
        return Image(ref=name, digest=pulled[0], digest_kind="manifest", platform=where)
    return Image(ref=name, digest=found["Id"], digest_kind="imageId", platform=where)


def manifests_of(worker: WorkerUnderTest) -> tuple[Digested, ...]:
    """The pattern's manifests, and the user's own: the Job, and what it needs."""
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
    """This tool: its version, its commit in a checkout, and all that it is installed with."""
    installed = sorted({f"{one.name}=={one.version}" for one in metadata.distributions()})
    root = Path(__file__).parents[2]
    commit, dirty = "", None
    if (root / ".git").exists():
        commit = _asked("git", "-C", root, "rev-parse", "HEAD")
        dirty = bool(_asked("git", "-C", root, "status", "--porcelain")) if commit else None
    return Harness(
        version=__version__,
        commit=commit,
        dirty=dirty,
        lock_digest=digest("\n".join(installed).encode()),
    )


def _environment(bench: Infrastructure, cluster: Cluster) -> Environment:
    words = ("--kubeconfig", cluster.kubeconfig, "get", "nodes", "--output", "json")
    nodes = _nodes(_asked(cluster.kubectl, *words))
    info = nodes[0]["status"]["nodeInfo"] if nodes else {}
    room = nodes[0]["status"]["capacity"] if nodes else {}
    catalogue = bench.images.catalogue
    own = cluster.owned and bench.settings.provider == "kind"
    return Environment(
        kubernetes=info.get("kubeletVersion", ""),
        provider=bench.settings.provider,
        provider_version=catalogue.module("kind").version if own else "",
        node_image_digest=(bench.docker.image_id(catalogue.tag("node")) or "") if own else "",
        nodes=len(nodes),
        runtime=info.get("containerRuntimeVersion", ""),
        arch=info.get("architecture", platform.machine()),
        kernel=info.get("kernelVersion", ""),
        cpu=int(room["cpu"]) if str(room.get("cpu", "")).isdigit() else 0,
        memory=_bytes(str(room.get("memory", ""))),
    )


def _broker(bench: Infrastructure, pattern: str, files: Sequence[Digested]) -> Broker:
    known = PATTERNS.get(pattern)
    kind, (program, *words) = known.recipe, known.version_command
    tag = bench.images.catalogue.tag(kind)
    run = ("run", "--rm", "--network=none", "--entrypoint", program, tag, *words)
    try:
        said = bench.docker.run(*run, check=False, timeout=_QUICK).stdout
    except QueuejobError:
        said = ""  # the report says less then; the run is as good as before
    own = f"patterns/{pattern}/"
    config = [
        f"{one.path} {one.sha256}" for one in files if one.path.startswith(own) and kind in one.path
    ]
    return Broker(
        kind="redis" if kind == "redis" else "rabbitmq",
        version=_version(said),
        image_digest=bench.docker.image_id(tag) or "",
        config_digest=digest("\n".join(config).encode()),
    )


def _version(said: str) -> str:
    """As 7.0.15 of `Redis server v=7.0.15 sha=…`."""
    words = [word.removeprefix("v=") for word in said.split()]
    return next((word for word in words if word[:1].isdigit() and "." in word), "")


def _asked(*words: str | Path) -> str:
    """What a program says; empty when it does not."""
    try:
        return commands.run([*words], timeout=_QUICK).stdout.strip()
    except (CommandFailed, TimedOut):
        return ""


def _nodes(said: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said)["items"] if said else []
    return found


def _bytes(quantity: str) -> int:
    """Bytes of a node's memory, which the kubelet gives in Ki."""
    number = quantity.removesuffix("Ki")
    return int(number) * (1024 if quantity.endswith("Ki") else 1) if number.isdigit() else 0
