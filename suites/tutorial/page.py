"""What both pages have in common: a temporary pod, a Job that is waited for, and its logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.infra.kube import Namespace

TEMPORARY = "temp"
#: A pod's spec for a cluster in which DNS does not work: the only name server does not answer.
NO_DNS: Mapping[str, Any] = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["127.0.0.1"]}}


def start_temporary_pod(namespace: Namespace, image: str, **spec: Any) -> None:
    """What the pages call `kubectl run -i --tty temp`: a pod to type commands in."""
    namespace.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": TEMPORARY},
            "spec": {
                **spec,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": TEMPORARY,
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sleep", "infinity"],
                    }
                ],
            },
        }
    )
    namespace.wait_ready(TEMPORARY)


def typed(namespace: Namespace, command: str) -> str:
    """Type a command into the temporary pod's shell; its output, without the last newline."""
    done = namespace.execute(TEMPORARY, "/bin/sh", "-c", command)
    if done.code != 0:
        raise InfrastructureError(
            f"`{command}` failed in the temporary pod",
            expected="exit code 0",
            seen=f"exit code {done.code}: {done.stdout}{done.stderr}",
        )
    return done.stdout.rstrip("\n")


def wait_reachable(namespace: Namespace, command: str) -> None:
    """Wait until a command of the temporary pod reaches the broker.

    A Service leads to a pod a moment after the pod became ready: once the nodes have heard of it.
    """

    def probe() -> None:
        done = namespace.execute(TEMPORARY, "/bin/sh", "-c", command)
        if done.code != 0:
            raise NotYet(f"exit code {done.code}: {done.stdout}{done.stderr}".strip())

    wait_until(
        f"`{command}` to reach the broker", probe, timeout=namespace.timeouts.settle, interval=0.2
    )


def wait_complete(namespace: Namespace, job: str) -> None:
    """Wait for the Job as the pages do.

    Our own wait comes first: it says early, and better, why a Job will never be Complete.
    """
    ended = namespace.wait_ended(job)
    assert ended.ended == "Complete", str(ended)
    timeout = namespace.timeouts.job
    waited = namespace.kubectl(
        "wait",
        "--for=condition=complete",
        f"--timeout={timeout:.0f}s",
        f"job/{job}",
        timeout=timeout + namespace.timeouts.command,
    )
    assert waited.stdout == f"job.batch/{job} condition met\n"


def assert_stays_incomplete(namespace: Namespace, job: str) -> None:
    """Give the Job `timeouts.absence` more, in which nothing could make it Complete."""
    absence = namespace.timeouts.absence
    waited = namespace.kubectl(
        "wait",
        "--for=condition=complete",
        f"--timeout={absence:.0f}s",
        f"job/{job}",
        timeout=absence + namespace.timeouts.command,
        check=False,
    )
    assert not waited.ok, waited.stdout
    assert "timed out waiting for the condition" in waited.stderr
    seen = namespace.job(job)
    assert seen.ended is None, str(seen)
    assert seen.active > 0, str(seen)


def logs_of(namespace: Namespace, job: str) -> dict[str, list[str]]:
    """The lines that each pod of a Job has written, by the pod's name."""
    return {pod.name: namespace.log(pod.name).splitlines() for pod in namespace.pods_of(job)}


def after(prefix: str, lines: list[str]) -> list[str]:
    """What follows `prefix` in each of the lines that begin with it."""
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
