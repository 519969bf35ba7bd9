"""A late report comes just before another worker takes the item over."""

from __future__ import annotations

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.scenario import NotPlayable, Scenario, Stage
from harness.engine.steps.common import let_last
from harness.history import ItemDelivered, ItemSettled
from harness.tap.control.client import RemoteTrap

RACE = "report before reclaim"
#: Seconds around the end of a lease in which nobody can say what Redis is told first.
_CLOSE = 0.3
#: Seconds before the end of a lease from which the rival is held: the order takes a while.
_HELD_BEFORE = 1.5


def play(stage: Stage) -> None:
    """Hold a worker at its report until its lease is over, and its rival at taking the item.

    Then the report goes first. Who looks for what has expired in one step, and takes it in
    another, has looked by then.
    """
    early = stage.trap(stage.points.claiming)
    stage.start()
    address, tap = stage.catch(early).address, stage.station.tap
    what = "another worker to connect"  # before the first one's lease begins
    rival = stage.wait(what, conditions.another_connects(address), stage.patience)
    trap = stage.trap(stage.points.settling, address)
    stage.free(early)
    stage.catch(trap)
    tap.hold(address)
    holder = stage.worker_at(address)
    begun = stage.injected(RACE, "a worker at its report, another at its claim", holder)
    until = _given(stage, address).until or 0.0
    if until - stage.recording.moment() > stage.learned.ceiling:
        stage.whole_lease()
    second = _at_its_claim(stage, rival.address, until)
    tap.release(address)
    stage.free(trap)
    its = conditions.connections_of(stage.recording.events, address)
    timeout = stage.station.namespace.timeouts.settle
    report = conditions.last(lambda what: isinstance(what, ItemSettled) and what.connection in its)
    told = stage.wait("what became of the late report", report, timeout)
    stage.free(second)
    stage.confirmed(RACE, begun, told.id)
    stage.healed(RACE)
    stage.wait_for_the_end()


def _given(stage: Stage, address: str) -> ItemDelivered:
    """What the worker at an address has, which must be leased."""
    timeout = stage.station.namespace.timeouts.settle
    given = stage.wait("the worker's item", conditions.given_to(address), timeout).what
    if not isinstance(given, ItemDelivered) or given.until is None:
        raise NotPlayable(
            "the scenario 'report-races-reclaim' cannot be played",
            expected="an item that is delivered with a lease, whose end is known",
            seen=f"{given}",
        )
    return given


def _at_its_claim(stage: Stage, rival: str, until: float) -> RemoteTrap:
    """Catch the rival at the first claim after a moment; those long before it go on.

    Shortly before it nothing of the rival's passes: a claim would reach Redis after it.
    """
    tap, close = stage.station.tap, until - _HELD_BEFORE
    while (left := close - stage.recording.moment()) > 0:
        trap = stage.trap(stage.points.claiming, rival)
        try:
            stage.catch(trap, left)
        except TimedOut:
            stage.disarm(trap)
        else:
            stage.free(trap)
    tap.hold(rival)
    let_last(stage, "the lease", until + _CLOSE, stage.patience)
    trap = stage.trap(stage.points.claiming, rival)
    tap.release(rival)
    stage.catch(trap)
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
