"""A worker is lost with the last item, when all others have no more work."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.pod_delete import FAULT
from harness.history import payload
from harness.tap.control.client import RemoteHit

#: Share of a lease in which the others may exit too early.
_LEASE_SHARE = 0.6
#: Seconds before the end of its lease by which the victim must be killed.
_KILL_MARGIN = 2.0
#: Seconds until the kill if no lease was seen.
_DEFAULT_SECONDS = 6.0


def play(context: ScenarioContext) -> None:
    """Hold the first report until the rest is done and the others had time to exit."""
    hit = _first_report(context)
    # Hold all of its connections: a worker that gets no answer soon tries another one.
    context.testbed.tap.hold(hit.address)
    victim = context.worker_at(hit.address)
    items = [payload(item) for item in context.items]
    context.wait(
        "all other items to be settled", conditions.all_settled(items, but=1), context.bounds.end
    )
    context.recorder.wait_or_none(
        "somebody to leave", conditions.worker_succeeded(), _seconds_to_kill(context, hit)
    )
    FAULT.inject(context, victim, hit.address)
    context.wait_for_the_end()


def _first_report(context: ScenarioContext) -> RemoteHit:
    """Start the Job, and return the hit of the first report.

    The lease of its worker begins when another worker is connected, so that one has the time of the
    lease.
    """
    if context.points.claiming is None:
        handle = context.set_breakpoint(context.points.settling)
        context.start()
        return context.wait_for_hit(handle)
    claim_handle = context.set_breakpoint(context.points.claiming)
    context.start()
    address = context.wait_for_hit(claim_handle).address
    another = conditions.another_connects(address)
    context.recorder.wait_or_none("another worker to connect", another, context.start_timeout)
    handle = context.set_breakpoint(context.points.settling)
    context.resume(claim_handle)
    return context.wait_for_hit(handle)


def _seconds_to_kill(context: ScenarioContext, caught: RemoteHit) -> float:
    """Return the seconds until the kill: others take over an item whose lease expires."""
    lease = context.lease
    if lease is None:
        return _DEFAULT_SECONDS
    delivery = conditions.last_delivery_to(caught.address)(context.recorder.events)
    until = getattr(delivery.what, "until", None) if delivery is not None else None
    remaining = lease if until is None else until - context.recorder.elapsed() - _KILL_MARGIN
    return max(0.0, min(remaining, _LEASE_SHARE * lease))


SCENARIO = Scenario(
    name="late-loss",
    says="a worker is lost with the last item when all others have nothing more to do",
    proves={"fine": ("L8", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
