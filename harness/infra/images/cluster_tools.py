"""The two programs that a run needs beside Docker: kind and kubectl."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core import commands, user_dirs
from harness.core.errors import QueuejobError
from harness.core.progress import Notify
from harness.infra.images import go_build
from harness.infra.images.sources import Images

KIND = "kind/kind"
#: Where kind's own node images have it, and so do ours.
KUBECTL = "/usr/bin/kubectl"


def kind(images: Images, tell: Notify) -> Path:
    """The kind to use: PATH's when it is recent enough and images are pulled, else our build."""
    return kind_present(images) or go_build.binary(images.catalogue, KIND, tell)


def kind_present(images: Images) -> Path | None:
    """The kind that `kind` would give without building anything."""
    found = go_build.present(images.catalogue, KIND)
    if found or images.source != "registry":
        return found
    on_path = commands.which("kind")
    wanted = _numbers(images.catalogue.module("kind").version)
    return Path(on_path) if on_path and _kind_version(on_path) >= wanted else None


def kubectl(images: Images, tell: Notify) -> Path:
    """The kubectl of the node image, so that it is always of the cluster's own version."""
    file = _kubectl_file(images)
    if not file.is_file():
        node = images.provide("node", tell)
        made = images.docker.run("create", node, "kubectl").stdout.strip()
        fresh = file.with_suffix(".new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            images.docker.run("cp", "--follow-link", f"{made}:{KUBECTL}", fresh)
        finally:
            images.docker.remove_containers(made)
        fresh.replace(file)
    return file


def kubectl_present(images: Images) -> Path | None:
    """The kubectl that `kubectl` would give without making anything."""
    file = _kubectl_file(images)
    return file if file.is_file() else None


def _kubectl_file(images: Images) -> Path:
    return user_dirs.cache_folder() / "bin" / f"kubectl-{images.catalogue.key('node')}"


def _kind_version(program: str) -> tuple[int, ...]:
    try:
        return _numbers(commands.run([program, "version"], timeout=30).stdout)
    except QueuejobError:
        return ()


def _numbers(text: str) -> tuple[int, ...]:
    match = re.search(r"v(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()
