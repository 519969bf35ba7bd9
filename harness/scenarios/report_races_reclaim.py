"""A late report comes just before another worker takes the item over."""

from __future__ import annotations

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_until_elapsed
from harness.history import ItemDelivered, ItemSettled
from harness.tap.control.client import BreakpointHandle

RACE = "report before reclaim"
#: Seconds around the end of a lease in which nobody can say what Redis is told first.
_CLOSE = 0.3
#: Seconds before the end of a lease from which the rival is held: the order takes a while.
_HELD_BEFORE = 1.5


def play(stage: ScenarioContext) -> None:
    """Hold a worker at its report until its lease is over, and its rival at taking the item.

    Then the report goes first. Who looks for what has expired in one step, and takes it in
    another, has looked by then.
    """
    early = stage.set_breakpoint(stage.points.claiming)
    stage.start()
    address, tap = stage.wait_for_hit(early).address, stage.testbed.tap
    what = "another worker to connect"  # before the first one's lease begins
    rival = stage.wait(what, conditions.another_connects(address), stage.start_timeout)
    trap = stage.set_breakpoint(stage.points.settling, address)
    stage.resume(early)
    stage.wait_for_hit(trap)
    tap.hold(address)
    holder = stage.worker_at(address)
    begun = stage.injected(RACE, "a worker at its report, another at its claim", holder)
    until = _given(stage, address).until or 0.0
    if until - stage.recorder.elapsed() > stage.calibration.ceiling:
        stage.whole_lease()
    second = _at_its_claim(stage, rival.address, until)
    tap.release(address)
    stage.resume(trap)
    its = conditions.connections_of(stage.recorder.events, address)
    timeout = stage.testbed.namespace.timeouts.settle
    report = conditions.latest(
        lambda what: isinstance(what, ItemSettled) and what.connection in its
    )
    told = stage.wait("what became of the late report", report, timeout)
    stage.resume(second)
    stage.confirmed(RACE, begun, told.id)
    stage.healed(RACE)
    stage.wait_for_the_end()


def _given(stage: ScenarioContext, address: str) -> ItemDelivered:
    """What the worker at an address has, which must be leased."""
    timeout = stage.testbed.namespace.timeouts.settle
    given = stage.wait("the worker's item", conditions.last_delivery_to(address), timeout).what
    if not isinstance(given, ItemDelivered) or given.until is None:
        raise ScenarioNotApplicable(
            "the scenario 'report-races-reclaim' cannot be played",
            expected="an item that is delivered with a lease, whose end is known",
            seen=f"{given}",
        )
    return given


def _at_its_claim(stage: ScenarioContext, rival: str, until: float) -> BreakpointHandle:
    """Catch the rival at the first claim after a moment; those long before it go on.

    Shortly before it nothing of the rival's passes: a claim would reach Redis after it.
    """
    tap, close = stage.testbed.tap, until - _HELD_BEFORE
    while (left := close - stage.recorder.elapsed()) > 0:
        trap = stage.set_breakpoint(stage.points.claiming, rival)
        try:
            stage.wait_for_hit(trap, left)
        except TimedOut:
            stage.clear_breakpoints(trap)
        else:
            stage.resume(trap)
    tap.hold(rival)
    wait_until_elapsed(stage, "the lease", until + _CLOSE, stage.start_timeout)
    trap = stage.set_breakpoint(stage.points.claiming, rival)
    tap.release(rival)
    stage.wait_for_hit(trap)
    return trap


SCENARIO = Scenario(
    name="report-races-reclaim",
    says="a late report comes just before another worker takes the item over",
    proves={"fine": ("S1", "S4", "S6", "S7", "S12", "L3")},
    play=play,
    faults=(RACE,),
    items=6,  # the rival must not have done all of them before the first one has its own
    level="extended",
)
