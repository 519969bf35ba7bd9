"""Forwarding of a pod's port to this machine, until a block ends."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.core import commands
from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError

_READY = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@contextlib.contextmanager
def forward(
    kubectl: Path, env: Mapping[str, str], namespace: str, pod: str, port: int, *, timeout: float
) -> Iterator[int]:
    """Forward a local port, chosen by the system, to a port of a pod; yield the local port.

    Args:
        kubectl: The program.
        env: Additional environment of kubectl.
        namespace: The pod's namespace.
        pod: The pod's name.
        port: The port of the pod.
        timeout: Seconds until the port has to be forwarded.

    Raises:
        TimedOut: The port is not forwarded after `timeout` seconds.
        InfrastructureError: kubectl ended, at the start or while the block ran. If the block
            raised an error, that one is raised instead.
    """
    what = f"port {port} of pod {pod} to be forwarded"
    argv = [str(kubectl), "--namespace", namespace, "port-forward", "--address=127.0.0.1"]
    lines: list[str] = []

    def local_port() -> int:
        for line in list(lines):
            if match := _READY.match(line):
                return int(match[1])
        if process.poll() is not None:
            raise InfrastructureError(
                "kubectl port-forward ended", expected=what, seen="\n".join(lines) or "no output"
            )
        raise NotYet("\n".join(lines) or "no output of kubectl so far")

    with commands.background(
        [*argv, f"pod/{pod}", f":{port}"], what=what, env=env, on_line=lines.append
    ) as process:
        yield wait_until(what, local_port, timeout=timeout, interval=0.05)
        if process.poll() is not None:
            raise InfrastructureError(
                f"the forwarded port {port} of pod {pod} was lost on the way",
                expected="kubectl port-forward to run until it is ended",
                seen="\n".join(lines),
            )
