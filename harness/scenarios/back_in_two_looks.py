"""Between a worker's counts of ready and leased items, another one returns an item."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second
from harness.history import Event, ItemDelivered, ItemReclaimed, ItemReturned
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

RACE = "give back between two looks"
#: Seconds for a worker to return its item after SIGTERM, and for another one to exit then.
_RETURN_SECONDS, _EXIT_SECONDS = 4.0, 4.0
_MIN_QUERIES = 2


def play(context: ScenarioContext) -> None:
    """Hold a worker without work at its last count; then another returns the only item.

    A worker that counted the ready items before sees now that no item is leased. But the item is
    ready.
    """
    points, tap = context.points, context.testbed.tap
    if points.counting is None or points.claiming is None:
        raise ScenarioNotApplicable(
            "the scenario 'back-in-two-looks' cannot be played",
            expected="commands that count what is ready or leased",
            seen="none in the fault-free run",
        )
    handle = context.set_breakpoint(points.delivered)
    context.start()
    hit = context.wait_for_hit(handle)
    holder = context.worker_at(hit.address)
    context.container_of(holder)  # ask for it now: the signal has to be quick
    awaited = "another worker to connect"
    rival = context.wait(
        awaited, conditions.another_connects(hit.address), context.start_timeout
    ).address
    queries, query_handle = _count_queries(context, points.counting, points.claiming, rival)
    if queries < _MIN_QUERIES:  # a single query sees all items, or none does
        context.resume_client(rival)
        context.resume_client(hit.address)
        context.wait_for_the_end()
        return
    begun = context.injected(RACE, f"a worker in its work, another at its look {queries}", holder)
    before = len(context.recorder.events)
    context.resume(handle)
    context.wait_until_started(holder, hit)
    _send_sigterm(context, hit)
    returned = context.recorder.wait_or_none(
        "the item to be ready", _ready(before), _RETURN_SECONDS
    )
    context.resume(query_handle)
    exit_event = context.recorder.wait_or_none(
        "somebody to leave", conditions.worker_succeeded(), _EXIT_SECONDS
    )
    if exit_event is not None:
        wait_out_kubelet_second(context, exit_event)
    context.resume_client(rival)
    tap.release(hit.address)
    context.confirmed(RACE, begun, *([returned.id] if returned else []))
    context.healed(RACE)
    context.wait_for_the_end()


def _count_queries(
    context: ScenarioContext, counting: Point, claiming: Point, address: str
) -> tuple[int, BreakpointHandle]:
    """Count the queries that an idle worker sends between two claims.

    A query asks how many items there are. Returns that number and the breakpoint at which the
    worker is held: the last of these queries.
    """
    query_or_claim = Point(
        "a look or a claim",
        "broker",
        "command",
        signatures=(*counting.signatures, *claiming.signatures),
    )
    handle = context.set_breakpoint(query_or_claim, address)
    hit = context.wait_for_hit(handle)
    queries = 0
    while not claiming.fits(hit.message):  # parts of its first round may be over
        handle, hit = _resume_to_next(context, handle, query_or_claim, address)
    while claiming.fits(hit.message):
        handle, hit = _resume_to_next(context, handle, query_or_claim, address)
    while not claiming.fits(hit.message):
        queries += 1
        handle, hit = _resume_to_next(context, handle, query_or_claim, address)
    while claiming.fits(hit.message):
        handle, hit = _resume_to_next(context, handle, query_or_claim, address)
    for _ in range(queries - 1):
        handle, hit = _resume_to_next(context, handle, query_or_claim, address)
    return queries, handle


def _resume_to_next(
    context: ScenarioContext, trap: BreakpointHandle, point: Point, address: str
) -> tuple[BreakpointHandle, RemoteHit]:
    """Resume a worker, and wait until it comes to its next such point."""
    next_handle = context.set_breakpoint(point, address)
    context.resume(trap)
    return next_handle, context.wait_for_hit(next_handle)


def _send_sigterm(context: ScenarioContext, caught: RemoteHit) -> None:
    """Send SIGTERM from the node: the cluster would need more time for it."""
    worker = context.owners.current_run(caught.address)
    if worker is None:
        return
    kill_command = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGTERM")
    node = context.pod(worker).node
    context.testbed.provider.on_node(node, *kill_command, context.container_of(worker))


def _ready(before: int) -> conditions.Find:
    """Return a condition: an item came back after the first `before` events.

    It must be ready still: no worker got an item since.
    """

    def find(events: Sequence[Event]) -> Event | None:
        for event in reversed(events[before:]):
            if isinstance(event.what, ItemDelivered):
                return None
            if isinstance(event.what, (ItemReturned, ItemReclaimed)):
                return event
        return None

    return find


SCENARIO = Scenario(
    name="back-in-two-looks",
    says="a worker gives the only item back while another counts what there is",
    proves={"fine": ("S10", "S1", "S12", "L3")},
    play=play,
    items=1,
    level="extended",
)
