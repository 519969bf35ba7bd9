"""A late report comes just before another worker takes the item over."""

from __future__ import annotations

from harness import seen
from harness.history import ConnectionOpened, ItemDelivered, ItemSettled, payload
from harness.stage import NotPlayable, Scenario, Stage
from harness.tap.remote import RemoteTrap

RACE = "report before reclaim"


def play(stage: Stage) -> None:
    """Hold a worker at its report until its lease is over, and its rival at taking the item.

    Then the report goes first. Who looks for what has expired in one step, and takes it in
    another, has looked by then.
    """
    trap = stage.trap(stage.points.settling)
    stage.start()
    caught = stage.catch(trap)
    holder, tap = stage.worker_at(caught.address), stage.station.tap
    tap.hold(caught.address)
    begun = stage.injected(RACE, "a worker at its report, another at its claim", holder)
    given, rival = _given(stage, caught.address), _rival(stage)
    second = _at_its_claim(stage, rival, until=given.until or 0.0)
    tap.release(caught.address)
    stage.free(trap)
    its = seen.connections_of(stage.recording.events, caught.address)
    timeout = stage.station.namespace.timeouts.settle
    report = seen.last(lambda what: isinstance(what, ItemSettled) and what.connection in its)
    told = stage.wait("what became of the late report", report, timeout)
    stage.free(second)
    stage.confirmed(RACE, begun, told.id)
    stage.healed(RACE)
    stage.wait_for_the_end()


def _given(stage: Stage, address: str) -> ItemDelivered:
    """What the worker at an address has, which must be leased."""
    timeout = stage.station.namespace.timeouts.settle
    given = stage.wait("the worker's item", seen.given_to(address), timeout).what
    if not isinstance(given, ItemDelivered) or given.until is None:
        raise NotPlayable(
            "the scenario 'report-races-reclaim' cannot be played",
            expected="an item that is delivered with a lease, whose end is known",
            seen=f"{given}",
        )
    return given


def _rival(stage: Stage) -> str:
    """The address of who has done all the rest, and waits for the last item."""
    items = [payload(item) for item in stage.items]
    rest = stage.wait("the others to be settled", seen.all_settled(items, but=1), stage.bounds.end)
    number = getattr(rest.what, "connection", None)
    return next(
        event.what.address
        for event in stage.recording.events
        if isinstance(event.what, ConnectionOpened) and event.what.connection == number
    )


def _at_its_claim(stage: Stage, rival: str, until: float) -> RemoteTrap:
    """Catch the rival at the first claim after a moment; those before it go on."""
    while True:
        trap = stage.trap(stage.points.claiming, rival)
        at = stage.catch(trap, stage.patience).at - stage.recording.epoch
        if at > until:
            return trap
        stage.free(trap)


SCENARIO = Scenario(
    name="report-races-reclaim",
    says="a late report comes just before another worker takes the item over",
    proves={"fine": ("S1", "S4", "S6", "S7", "S12", "L3")},
    play=play,
    faults=(RACE,),
    items=3,
    level="extended",
)
