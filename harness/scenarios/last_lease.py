"""A worker finds the queue empty while another still holds the last lease."""

from __future__ import annotations

from harness import seen
from harness.history import Event, payload
from harness.stage import Scenario, Stage

HELD = "held with the last lease"
#: What part of a lease is waited for somebody to leave too early.
_PART = 0.6
#: Seconds of it where no lease was seen.
_UNKNOWN = 6.0
#: A second, and some more for clocks that do not quite agree.
_SECOND = 1.2


def play(stage: Stage) -> None:
    """Hold the first acknowledgement until the others have done the rest and asked for more."""
    trap = stage.trap(stage.points.settling)
    stage.start()
    caught = stage.catch(trap)
    holder = stage.worker_at(caught.address)
    begun = stage.injected(HELD, "a worker at its first acknowledgement", holder)
    items = [payload(item) for item in stage.items]
    rest = stage.wait(
        "all other items to be settled", seen.all_settled(items, but=1), stage.bounds.end
    )
    lease = stage.lease
    patience = _UNKNOWN if lease is None else _PART * lease
    left = stage.recording.wait_quietly("somebody to leave", seen.success(), patience)
    if left is not None:
        # The kubelet says to the second when that was: hold on until it surely was before.
        what = "the second of the exit to be over"
        stage.recording.wait_quietly(what, lambda _: _over(stage, left), _SECOND + patience)
    stage.confirmed(HELD, begun, rest.id)
    stage.free(trap)
    stage.healed(HELD)
    stage.wait_for_the_end()


def _over(stage: Stage, left: Event) -> bool | None:
    finished = getattr(left.what, "finished", None)
    return True if stage.recording.moment() > (finished or left.time) + _SECOND else None


SCENARIO = Scenario(
    name="last-lease",
    says="a worker finds nothing to do while another holds the last lease",
    proves={"fine": ("S1", "S9", "S12", "L3", "S10")},
    play=play,
    faults=(HELD,),
    items=3,
)
