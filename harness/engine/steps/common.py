"""Steps that many faults and scenarios share."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.engine import conditions
from harness.engine.fault import WorkerFault
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import ConnectionOpened, Event

#: Seconds for which a worker without its broker is watched, unless it gives up before.
_TRIES = 30.0

#: A second, and some more for clocks that do not quite agree.
_SECOND = 1.2

#: For a shell on a node: `$pid` is that of the container `$0` then.
PID = """
pid=$(ctr --namespace k8s.io task ls | awk -v id="$0" '$1 == id { print $2 }')
"""


def inject_while_working(stage: ScenarioContext, fault: WorkerFault) -> None:
    """Harm the first who is given an item, as soon as it has begun; until the end of the Job."""
    trap = stage.set_breakpoint(stage.points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    victim = stage.worker_at(caught.address)
    stage.resume(trap)
    stage.wait_until_started(victim, caught)
    fault.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


def watch_without_broker(stage: ScenarioContext) -> tuple[int, ...]:
    """Watch workers that are to find no broker; the events that show that they did not."""
    running = stage.wait("a worker to run", conditions.running(), stage.start_timeout)
    end = stage.recorder.wait_or_none("a worker to give up", conditions.any_worker_exited(), _TRIES)
    if end is not None:
        wait_out_kubelet_second(stage, end)
    for event in stage.recorder.events:
        if isinstance(event.what, ConnectionOpened):
            raise ScenarioNotApplicable(
                "a worker has reached the broker all the same",
                expected="no connection",
                seen=f"one from {event.what.address} after {event.time:.1f} s",
            )
    return (running.id,) if end is None else (running.id, end.id)


def wait_out_kubelet_second(stage: ScenarioContext, end: Event) -> None:
    """Wait until the second of a worker's end is over: the kubelet tells no more than that."""
    until = (getattr(end.what, "finished", None) or end.time) + _SECOND
    wait_until_elapsed(stage, "the second of the end", until, 2 * _SECOND)


def wait_until_elapsed(stage: ScenarioContext, what: str, until: float, timeout: float) -> None:
    """Wait until a moment of the recording is over; both in seconds."""

    def over(_: Sequence[Event]) -> bool | None:
        return True if stage.recorder.elapsed() > until else None

    stage.recorder.wait_or_none(f"{what} to be over", over, timeout)


def wait_on_node(
    stage: ScenarioContext, what: str, node: str, script: str, *arguments: str
) -> None:
    """Wait until a shell's script succeeds on a node; the first argument is its `$0`."""
    provider = stage.testbed.provider

    def succeeds() -> None:
        try:
            provider.on_node(node, "sh", "-c", script, *arguments)
        except InfrastructureError as error:
            raise NotYet(str(error.seen or error)) from error

    wait_until(what, succeeds, timeout=stage.testbed.namespace.timeouts.settle)
