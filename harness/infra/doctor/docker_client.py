"""Queries to the Docker client: which daemon it uses, whether it answers, where it runs."""

from __future__ import annotations

import json
import platform
from typing import Any

from harness.core import commands
from harness.core.errors import TimedOut
from harness.infra.docker import Docker

#: Seconds for a daemon to answer one query.
ANSWER = 20.0


def endpoint(docker: Docker) -> str:
    """Return the address that the client uses, from DOCKER_HOST or its context."""
    query = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return docker.run(*query, timeout=ANSWER).stdout.strip()


def ask(docker: Docker) -> commands.Completed:
    """Ask the daemon for its version.

    `ok` of the result is True if the daemon answers; otherwise `stderr` has the reason.
    """
    query = ("version", "--format", "{{.Server.Version}}")
    try:
        return docker.run(*query, timeout=ANSWER, check=False)
    except TimedOut:
        return commands.Completed(
            ("docker", *query), -1, "", f"no answer within {ANSWER:g} s", ANSWER
        )


def info(docker: Docker) -> dict[str, Any]:
    """Return `docker info`; raises the same errors as `Docker.run`."""
    query = ("info", "--format", "{{json .}}")
    answer: dict[str, Any] = json.loads(docker.run(*query, timeout=ANSWER).stdout)
    return answer


def nearby(docker: Docker) -> bool:
    """Return whether containers run on this machine's kernel.

    False for a daemon in a virtual machine or on another machine. True while there is no client,
    or a local daemon does not answer: the daemon will then be started on this machine.
    """
    if platform.system() != "Linux":
        return False
    if commands.which("docker") is None:
        return True
    if not endpoint(docker).startswith("unix://"):
        return False
    return not ask(docker).ok or info(docker)["KernelVersion"] == platform.release()
