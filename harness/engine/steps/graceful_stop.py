"""Shared steps of faults that stop a worker with a grace period."""

from __future__ import annotations

from typing import Protocol

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker

#: Grace period in seconds: a pod's default, unless its manifest sets another one.
GRACE = 30
#: Seconds within which the signal arrives once the pod is terminating.
_SIGNAL_SECONDS = 3.0


class Stop(Protocol):
    """A fault that stops a worker with a grace period."""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Stop the worker; return when it has the signal, or has exited for it already."""

    def heal(self, context: ScenarioContext, worker: Worker) -> None:
        """Wait until the worker has exited."""


def wait_for_sigterm(context: ScenarioContext, worker: Worker) -> int:
    """Wait until the worker has the signal, or has exited because of it.

    Returns the id of the event that shows the pod as terminating. Raises `TimedOut` if the pod
    never becomes that.
    """
    pod, timeout = context.pod(worker).name, context.testbed.namespace.timeouts.settle
    terminating = context.wait(
        f"pod {pod} to be told to end", conditions.pod_terminating(worker.pod), timeout
    )
    exited = conditions.exit_of(worker)
    context.recorder.wait_or_none(f"the end of pod {pod}", exited, _SIGNAL_SECONDS)
    return terminating.id


def wait_for_exit(context: ScenarioContext, worker: Worker) -> None:
    """Wait until the worker has exited; after the grace period the kubelet kills it."""
    timeout = GRACE + context.testbed.namespace.timeouts.settle
    context.wait("the worker that was told to stop to end", conditions.exit_of(worker), timeout)


def stop_while_working(context: ScenarioContext, fault: Stop) -> None:
    """Stop the first worker that has begun an item.

    If the worker is quick, the harness holds it at its report until then.
    """
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    if context.calibration.settles:
        context.set_breakpoint(context.points.settling, hit.address)
    context.resume(handle)
    context.wait_until_started(victim, hit)
    fault.inject(context, victim, hit.address)
    context.resume_client(hit.address)
    fault.heal(context, victim)
    context.wait_for_the_end()
