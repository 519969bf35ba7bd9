"""A late report comes just before another worker takes the item over."""

from __future__ import annotations

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_until_elapsed
from harness.history import ItemDelivered, ItemSettled
from harness.tap.control.client import BreakpointHandle

RACE = "report before reclaim"
#: Seconds around the end of a lease in which the order of messages at Redis is not known.
_CLOCK_MARGIN = 0.3
#: Seconds before the end of a lease from which on the harness holds the rival: a hold needs some
#: time.
_HOLD_AHEAD = 1.5


def play(context: ScenarioContext) -> None:
    """Hold a worker at its report until its lease is over, and its rival at its claim.

    Then the report goes first. A worker that searches for expired items in one step, and takes them
    in another, has done the search by then.
    """
    claim_handle = context.set_breakpoint(context.points.claiming)
    context.start()
    address, tap = context.wait_for_hit(claim_handle).address, context.testbed.tap
    what = "another worker to connect"  # before the lease of the first one begins
    rival = context.wait(what, conditions.another_connects(address), context.start_timeout)
    handle = context.set_breakpoint(context.points.settling, address)
    context.resume(claim_handle)
    context.wait_for_hit(handle)
    tap.hold(address)
    holder = context.worker_at(address)
    begun = context.injected(RACE, "a worker at its report, another at its claim", holder)
    until = _leased_delivery(context, address).until or 0.0
    if until - context.recorder.elapsed() > context.calibration.ceiling:
        context.whole_lease()
    rival_handle = _hold_at_claim(context, rival.address, until)
    tap.release(address)
    context.resume(handle)
    connections = conditions.connections_of(context.recorder.events, address)
    timeout = context.testbed.namespace.timeouts.settle
    report = conditions.latest(
        lambda what: isinstance(what, ItemSettled) and what.connection in connections
    )
    outcome = context.wait("what became of the late report", report, timeout)
    context.resume(rival_handle)
    context.confirmed(RACE, begun, outcome.id)
    context.healed(RACE)
    context.wait_for_the_end()


def _leased_delivery(context: ScenarioContext, address: str) -> ItemDelivered:
    """Return the delivery to the worker at `address`, which must have a lease.

    Raises `ScenarioNotApplicable` otherwise.
    """
    timeout = context.testbed.namespace.timeouts.settle
    delivery = context.wait("the worker's item", conditions.last_delivery_to(address), timeout).what
    if not isinstance(delivery, ItemDelivered) or delivery.until is None:
        raise ScenarioNotApplicable(
            "the scenario 'report-races-reclaim' cannot be played",
            expected="an item that is delivered with a lease, whose end is known",
            seen=f"{delivery}",
        )
    return delivery


def _hold_at_claim(context: ScenarioContext, rival: str, until: float) -> BreakpointHandle:
    """Hold the rival at its first claim after the moment `until`; earlier claims pass.

    Shortly before that moment the harness lets nothing of the rival pass: a claim would reach Redis
    after it.
    """
    tap, hold_from = context.testbed.tap, until - _HOLD_AHEAD
    while (remaining := hold_from - context.recorder.elapsed()) > 0:
        handle = context.set_breakpoint(context.points.claiming, rival)
        try:
            context.wait_for_hit(handle, remaining)
        except TimedOut:
            context.clear_breakpoints(handle)
        else:
            context.resume(handle)
    tap.hold(rival)
    wait_until_elapsed(context, "the lease", until + _CLOCK_MARGIN, context.start_timeout)
    handle = context.set_breakpoint(context.points.claiming, rival)
    tap.release(rival)
    context.wait_for_hit(handle)
    return handle


SCENARIO = Scenario(
    name="report-races-reclaim",
    says="a late report comes just before another worker takes the item over",
    proves={"fine": ("S1", "S4", "S6", "S7", "S12", "L3")},
    play=play,
    faults=(RACE,),
    items=6,  # the rival must not have done all of them before the first one has its own
    level="extended",
)
