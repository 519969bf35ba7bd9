"""The two programs that a run needs in addition to Docker: kind and kubectl."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core import commands, user_dirs
from harness.core.errors import QueuejobError
from harness.core.progress import Notify
from harness.infra.images import go_build
from harness.infra.images.sources import Images

KIND = "kind/kind"
#: Path of kubectl in kind's node images and in this project's node image.
KUBECTL = "/usr/bin/kubectl"


def kind(images: Images, notify: Notify) -> Path:
    """Return the kind to use; build it if needed.

    If images are pulled and PATH has a recent enough kind, that one is used.
    """
    return kind_present(images) or go_build.binary(images.catalogue, KIND, notify)


def kind_present(images: Images) -> Path | None:
    """Return the kind that `kind` would return without a build, or None."""
    program = go_build.present(images.catalogue, KIND)
    if program or images.source != "registry":
        return program
    on_path = commands.which("kind")
    required = _numbers(images.catalogue.module("kind").version)
    return Path(on_path) if on_path and _kind_version(on_path) >= required else None


def kubectl(images: Images, notify: Notify) -> Path:
    """Return the kubectl of the node image, which always has the cluster's version."""
    file = _kubectl_file(images)
    if not file.is_file():
        node = images.provide("node", notify)
        container = images.docker.run("create", node, "kubectl").stdout.strip()
        new_file = file.with_suffix(".new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            images.docker.run("cp", "--follow-link", f"{container}:{KUBECTL}", new_file)
        finally:
            images.docker.remove_containers(container)
        new_file.replace(file)
    return file


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
