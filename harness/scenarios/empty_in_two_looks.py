"""Between a worker's counts of ready and leased items, another one takes the last item."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

RACE = "claim between two looks"
#: Share of a lease in which a worker may exit too early.
_LEASE_SHARE = 0.5
#: One second, plus a margin for clocks that differ a little.
_KUBELET_SECOND = 1.2


def play(context: ScenarioContext) -> None:
    """Find out from the first worker at which count it decides; hold a second worker there.

    Then the first worker takes the only item, and the second one sees the rest of its counts.
    """
    points = context.points
    if points.counting is None or points.claiming is None:
        raise ScenarioNotApplicable(
            "the scenario 'empty-in-two-looks' cannot be played",
            expected="commands that count what is ready or leased",
            seen="none in the fault-free run",
        )
    query_or_claim = _either(points.counting, points.claiming)
    handle = context.set_breakpoint(query_or_claim)
    context.start()
    hit, queries = context.wait_for_hit(handle), 0
    while not points.claiming.fits(hit.message):
        queries += 1
        handle, hit = _resume_to_next(context, handle, query_or_claim, hit.address)
    if not queries:
        raise ScenarioNotApplicable("this worker takes items without a look at how many there are")
    first, tap = hit.address, context.testbed.tap
    tap.hold(first)
    holder = context.worker_at(first)
    begun = context.injected(RACE, f"a worker at its claim, another at its look {queries}", holder)
    rival_handle, rival = _hold_at_query(context, points.counting, queries)
    context.set_breakpoint(points.settling, first)
    tap.release(first)
    timeout = context.testbed.namespace.timeouts.settle
    delivery = context.wait(
        "the first worker to be given the item", conditions.last_delivery_to(first), timeout
    )
    context.resume(rival_handle)
    lease = context.lease
    patience = _LEASE_SHARE * (lease or timeout)
    exit_event = context.recorder.wait_or_none(
        "somebody to leave", conditions.worker_succeeded(), patience
    )
    if exit_event is not None:
        over = context.recorder.elapsed() + _KUBELET_SECOND
        awaited = "the second of the exit to be over"
        context.recorder.wait_or_none(
            awaited,
            lambda _: True if context.recorder.elapsed() > over else None,
            2 * _KUBELET_SECOND,
        )
    context.clear_breakpoints()
    for address in (first, rival):
        tap.release(address)
    context.confirmed(RACE, begun, delivery.id)
    context.healed(RACE)
    context.wait_for_the_end()


def _hold_at_query(
    context: ScenarioContext, counting: Point, looks: int
) -> tuple[BreakpointHandle, str]:
    """Let a second worker start, and hold it at its query number `looks`."""
    handle = context.set_breakpoint(counting)
    context.testbed.namespace.scale_job(context.job, 2)
    hit = context.wait_for_hit(handle)
    for _ in range(looks - 1):
        handle, hit = _resume_to_next(context, handle, counting, hit.address)
    return handle, hit.address


def _resume_to_next(
    context: ScenarioContext, trap: BreakpointHandle, point: Point, address: str
) -> tuple[BreakpointHandle, RemoteHit]:
    """Resume a worker and wait for its next such point; its breakpoint is set first."""
    next_handle = context.set_breakpoint(point, address)
    context.resume(trap)
    return next_handle, context.wait_for_hit(next_handle)


def _either(one: Point, other: Point) -> Point:
    """Return the point at which any command of the two points is met."""
    signatures = (*one.signatures, *other.signatures)
    return Point(f"{one.name} or {other.name}", "broker", "command", signatures=signatures)


SCENARIO = Scenario(
    name="empty-in-two-looks",
    says="another worker takes the last item while one counts what there is",
    proves={"fine": ("S1", "S9", "S10", "S12", "L3")},
    play=play,
    faults=(RACE,),
    items=1,
    parallelism=1,
    level="extended",
)
