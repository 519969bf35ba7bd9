"""A client of the Docker engine that runs the `docker` command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core import commands
from harness.core.errors import InfrastructureError

#: Seconds for a command that does not transfer or build an image.
QUICK = 60.0
#: Seconds to build, pull, save or load one image.
LONG = 1800.0


class Docker:
    """One Docker engine. `host` is as in DOCKER_HOST; without it the client chooses."""

    def __init__(self, host: str | None = None, program: str = "docker") -> None:
        self._base = [program, *(["--host", host] if host else [])]

    def run(
        self,
        *arguments: str | Path,
        timeout: float = QUICK,
        check: bool = True,
        on_line: Callable[[str], None] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> commands.Completed:
        """Run `docker ARGUMENTS`; raises the same errors as `commands.run`."""
        return commands.run(
            [*self._base, *arguments], timeout=timeout, check=check, on_line=on_line, env=env
        )

    def image_id(self, ref: str) -> str | None:
        """Return the id (sha256:…) of an image on this engine, or None if it is not there."""
        result = self.run("image", "inspect", "--format", "{{.Id}}", ref, check=False)
        if result.ok:
            return result.stdout.strip()
        if "No such image" in result.stderr:
            return None
        raise InfrastructureError(
            f"could not ask Docker for the image {ref}",
            expected="an answer of the Docker engine",
            seen=result.stderr.strip(),
            todo="run `queuejob doctor`",
        )

    def image_size(self, ref: str) -> int:
        """Return the size of an image's layers, in bytes."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", ref).stdout)

    def build(
        self,
        context: Path,
        tag: str,
        *,
        args: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Build the Dockerfile in the folder `context` as `tag`, with the host's network."""
        options = [word for k, v in (args or {}).items() for word in ("--build-arg", f"{k}={v}")]
        options += [word for k, v in (labels or {}).items() for word in ("--label", f"{k}={v}")]
        # --force-rm: an interrupted build must not leave a container either.
        fixed = ("--network=host", "--force-rm", "--tag", tag)
        self.run("build", *fixed, *options, context, timeout=LONG, on_line=on_line)

    def pull(self, ref: str, on_line: Callable[[str], None] | None = None) -> None:
        """Pull the image `ref` from its registry."""
        self.run("pull", ref, timeout=LONG, on_line=on_line)

    def tag(self, ref: str, name: str) -> None:
        """Add the name `name` to the image `ref`."""
        self.run("tag", ref, name)

    def untag(self, *refs: str) -> None:
        """Remove image names, and each image that has no other name."""
        self.run("image", "rm", *refs, check=False)

    def save(self, refs: Sequence[str], path: Path) -> None:
        """Write images and their names into one tar file."""
        self.run("save", "--output", path, *refs, timeout=LONG)

    def load(self, path: Path) -> None:
        """Load the images of a tar file into the engine."""
        self.run("load", "--input", path, timeout=LONG)

    def containers(self, *filters: str) -> list[dict[str, Any]]:
        """Return `docker inspect` of the containers that match all `--filter` terms.

        Stopped containers are included.
        """
        options = [word for term in filters for word in ("--filter", term)]
        ids = self.run("ps", "--all", "--quiet", "--no-trunc", *options).stdout.split()
        if not ids:
            return []
        # Docker omits a container that vanished in between, and still lists the others.
        details: list[dict[str, Any]] = json.loads(self.run("inspect", *ids, check=False).stdout)
        return details

    def remove_containers(self, *ids: str) -> None:
        """Remove containers, running or not, and their anonymous volumes."""
        if ids:
            self.run("rm", "--force", "--volumes", *ids, timeout=QUICK * 3)
