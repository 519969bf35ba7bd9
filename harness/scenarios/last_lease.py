"""A worker finds the queue empty while another still has an item: it has to stay, for long."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second
from harness.engine.steps.feeding import Feeding
from harness.history import AskedForItem, Event, ItemDelivered, ItemSettled, payload

HELD = "held with the last lease"


def play(stage: ScenarioContext) -> None:
    """Fine: one worker always has an item. Coarse: the last message comes late."""
    if stage.testbed.pattern.capabilities.one_item_per_pod:
        _keep_back(stage)
    else:
        _feed(stage)
    stage.healed(HELD)
    stage.wait_for_the_end()


def _feed(stage: ScenarioContext) -> None:
    trap = stage.set_breakpoint(stage.points.settling)
    stage.start()
    caught = stage.wait_for_hit(trap)
    holder = stage.worker_at(caught.address)
    waited = f"it has an item until others have waited {stage.idle_watch:g} s"
    to = f"a worker at its first report: {waited}"
    begun = stage.injected(HELD, to, holder)
    feeding = Feeding(stage, caught, trap)
    try:
        shown = feeding.until_waited(stage.idle_watch)
    finally:
        feeding.end()
    stage.confirmed(HELD, begun, *shown)


def _keep_back(stage: ScenarioContext) -> None:
    """Let a worker wait for a message that the producer sends only then."""
    stage.start()
    items = [payload(item) for item in stage.items]
    rest = conditions.all_settled(items, but=1)
    stage.wait("all messages but the last to be settled", rest, stage.bounds.end)
    to = f"the last message: it is sent when a worker has waited for {stage.idle_watch:g} s"
    begun = stage.injected(HELD, to)
    what = "a worker to ask for the last message, or to leave without it"
    come = stage.recorder.wait_or_none(what, idle, stage.start_timeout)
    if come is None:
        raise ScenarioNotApplicable(
            "no worker has come for the last message",
            expected=f"one within {stage.start_timeout:g} s, for the Job has a completion for it",
            seen="none",
        )
    what, since = "the idle worker to leave", come.time

    def over(events: Sequence[Event]) -> Event | None:
        last = left_without(events)
        return last or (come if stage.recorder.elapsed() > since + stage.idle_watch else None)

    end = stage.recorder.wait_or_none(what, over, 2 * stage.idle_watch) or come
    if conditions.ended(end):
        wait_out_kubelet_second(stage, end)
    stage.add()
    stage.confirmed(HELD, begun, come.id, end.id)


def idle(events: Sequence[Event]) -> Event | None:
    """A worker that asks and has been given nothing, or has left without anything."""
    given = {one.what.connection for one in events if isinstance(one.what, ItemDelivered)}
    for event in events:
        what = event.what
        if isinstance(what, AskedForItem) and what.room != 0 and what.connection not in given:
            return event
    return left_without(events)


def left_without(events: Sequence[Event]) -> Event | None:
    """The end of a worker that has settled nothing, where it is known who has settled what."""
    whose = conditions.owners(events)
    settled = [one.what for one in events if isinstance(one.what, ItemSettled)]
    done = {whose.get(one.connection or 0) for one in settled}
    ends = (one for one in events if conditions.ended(one))
    return next(
        (one for one in ends if None not in done and conditions.ended(one) not in done), None
    )


SCENARIO = Scenario(
    name="last-lease",
    says="a worker finds nothing to do while another holds the last lease, or before it is sent",
    proves={"fine": ("S1", "S9", "S12", "L3", "S10"), "coarse": ("S9", "S12", "L3")},
    play=play,
    faults=(HELD,),
    items=3,
    adds=True,
    long=True,
)
