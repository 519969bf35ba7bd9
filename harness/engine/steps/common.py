"""Steps that many faults and scenarios share."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.engine import conditions
from harness.engine.fault import WorkerFault
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import ConnectionOpened, Event

#: Seconds to watch a worker that has no broker, unless it gives up earlier.
_WATCH_SECONDS = 30.0

#: One second, plus a margin for clocks that differ a little.
_KUBELET_SECOND = 1.2

#: Shell code for a node: sets `$pid` to the process id of the container `$0`.
PID = """
pid=$(ctr --namespace k8s.io task ls | awk -v id="$0" '$1 == id { print $2 }')
"""


def inject_while_working(context: ScenarioContext, fault: WorkerFault) -> None:
    """Inject a fault into the first worker that begins an item; then wait for the Job to end."""
    handle = context.set_breakpoint(context.points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    victim = context.worker_at(hit.address)
    context.resume(handle)
    context.wait_until_started(victim, hit)
    fault.inject(context, victim, hit.address)
    context.wait_for_the_end()


def watch_without_broker(context: ScenarioContext) -> tuple[int, ...]:
    """Watch workers that must not find a broker.

    Returns the ids of the events that show that no worker found it. Raises `ScenarioNotApplicable`
    if a worker connects all the same.
    """
    running = context.wait("a worker to run", conditions.running(), context.start_timeout)
    end = context.recorder.wait_or_none(
        "a worker to give up", conditions.any_worker_exited(), _WATCH_SECONDS
    )
    if end is not None:
        wait_out_kubelet_second(context, end)
    for event in context.recorder.events:
        if isinstance(event.what, ConnectionOpened):
            raise ScenarioNotApplicable(
                "a worker has reached the broker all the same",
                expected="no connection",
                seen=f"one from {event.what.address} after {event.time:.1f} s",
            )
    return (running.id,) if end is None else (running.id, end.id)


def wait_out_kubelet_second(context: ScenarioContext, end: Event) -> None:
    """Wait out the second of a worker's end: the kubelet reports whole seconds only."""
    until = (getattr(end.what, "finished", None) or end.time) + _KUBELET_SECOND
    wait_until_elapsed(context, "the second of the end", until, 2 * _KUBELET_SECOND)


def wait_until_elapsed(context: ScenarioContext, what: str, until: float, timeout: float) -> None:
    """Wait until a moment of the recording is over.

    Args:
        context: the run.
        what: the moment, for the message of the wait.
        until: the moment, in seconds since the start of the run.
        timeout: seconds to wait at most.
    """

    def over(_: Sequence[Event]) -> bool | None:
        return True if context.recorder.elapsed() > until else None

    context.recorder.wait_or_none(f"{what} to be over", over, timeout)


def wait_on_node(
    context: ScenarioContext, what: str, node: str, script: str, *arguments: str
) -> None:
    """Wait until a shell script succeeds on a node.

    Args:
        context: the run.
        what: the purpose, for the message of a time-out.
        node: the node's name.
        script: the text for `sh -c`.
        arguments: the script's arguments; the first one is its `$0`.
    """
    provider = context.testbed.provider

    def succeeds() -> None:
        try:
            provider.on_node(node, "sh", "-c", script, *arguments)
        except InfrastructureError as error:
            raise NotYet(str(error.seen or error)) from error

    wait_until(what, succeeds, timeout=context.testbed.namespace.timeouts.settle)
