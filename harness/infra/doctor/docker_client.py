"""What Docker's client tells: which daemon it talks to, whether that answers, and where it is."""

from __future__ import annotations

import json
import platform
from typing import Any

from harness.core import commands
from harness.core.errors import TimedOut
from harness.infra.docker import Docker

#: Seconds for one question to a daemon.
ANSWER = 20.0


def endpoint(docker: Docker) -> str:
    """The address that the client talks to, by DOCKER_HOST or by its context."""
    query = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return docker.run(*query, timeout=ANSWER).stdout.strip()


def ask(docker: Docker) -> commands.Completed:
    """Ask the daemon for its version: `ok` when it answers, else `stderr` says why not."""
    query = ("version", "--format", "{{.Server.Version}}")
    try:
        return docker.run(*query, timeout=ANSWER, check=False)
    except TimedOut:
        return commands.Completed(
            ("docker", *query), -1, "", f"no answer within {ANSWER:g} s", ANSWER
        )


def info(docker: Docker) -> dict[str, Any]:
    """`docker info`; errors as `Docker.run`."""
    query = ("info", "--format", "{{json .}}")
    answer: dict[str, Any] = json.loads(docker.run(*query, timeout=ANSWER).stdout)
    return answer


def nearby(docker: Docker) -> bool:
    """Whether containers run on this machine's kernel, and not in a virtual machine or far away.

    Of a client or a daemon that does not answer yet it is assumed: it will be started here.
    """
    if platform.system() != "Linux":
        return False
    if commands.which("docker") is None:
        return True
    if not endpoint(docker).startswith("unix://"):
        return False
    return not ask(docker).ok or info(docker)["KernelVersion"] == platform.release()
