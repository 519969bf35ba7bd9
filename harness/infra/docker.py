"""The Docker engine, through its command line: what we ask of it and nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core import commands
from harness.core.errors import InfrastructureError

QUICK = 60.0
#: Seconds for one image to be built, pulled, saved or loaded.
LONG = 1800.0


class Docker:
    """One Docker engine; `host` as in DOCKER_HOST, default: the client's own choice."""

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
        """`docker ARGUMENTS`; errors as `shell.run`."""
        return commands.run(
            [*self._base, *arguments], timeout=timeout, check=check, on_line=on_line, env=env
        )

    def image_id(self, ref: str) -> str | None:
        """The id (sha256:…) of an image on this engine, or None when it is not there."""
        done = self.run("image", "inspect", "--format", "{{.Id}}", ref, check=False)
        if done.ok:
            return done.stdout.strip()
        if "No such image" in done.stderr:
            return None
        raise InfrastructureError(
            f"could not ask Docker for the image {ref}",
            expected="an answer of the Docker engine",
            seen=done.stderr.strip(),
            todo="run `queuejob doctor`",
        )

    def image_size(self, ref: str) -> int:
        """Bytes of an image's layers."""
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
        """Build the Dockerfile in `context`, with the host's network, as `tag`."""
        words = [word for k, v in (args or {}).items() for word in ("--build-arg", f"{k}={v}")]
        words += [word for k, v in (labels or {}).items() for word in ("--label", f"{k}={v}")]
        # --force-rm: also a build that is interrupted leaves no container.
        fixed = ("--network=host", "--force-rm", "--tag", tag)
        self.run("build", *fixed, *words, context, timeout=LONG, on_line=on_line)

    def pull(self, ref: str, on_line: Callable[[str], None] | None = None) -> None:
        """Fetch `ref` from its registry."""
        self.run("pull", ref, timeout=LONG, on_line=on_line)

    def tag(self, ref: str, name: str) -> None:
        """Give the image `ref` one more name."""
        self.run("tag", ref, name)

    def untag(self, *refs: str) -> None:
        """Remove names, and the images that have no other."""
        self.run("image", "rm", *refs, check=False)

    def save(self, refs: Sequence[str], path: Path) -> None:
        """Write images with their names into one tar file."""
        self.run("save", "--output", path, *refs, timeout=LONG)

    def load(self, path: Path) -> None:
        """Take in the images of a tar file."""
        self.run("load", "--input", path, timeout=LONG)

    def containers(self, *filters: str) -> list[dict[str, Any]]:
        """`docker inspect` of all containers (dead ones too) that match `--filter` terms."""
        words = [word for term in filters for word in ("--filter", term)]
        ids = self.run("ps", "--all", "--quiet", "--no-trunc", *words).stdout.split()
        if not ids:
            return []
        # One that vanished in between is left out of the answer; the others are still told.
        found: list[dict[str, Any]] = json.loads(self.run("inspect", *ids, check=False).stdout)
        return found

    def remove_containers(self, *ids: str) -> None:
        """Remove containers, running or not, with their anonymous volumes."""
        if ids:
            self.run("rm", "--force", "--volumes", *ids, timeout=QUICK * 3)
