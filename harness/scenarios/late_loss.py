"""A worker is lost with the last item, when all others have found nothing more to do."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext
from harness.faults.pod_delete import FAULT
from harness.history import payload
from harness.tap.control.client import RemoteHit

#: What part of a lease the others have for leaving too early.
_PART = 0.6
#: Seconds before its end by which the victim is to be killed.
_SPARE = 2.0
#: Seconds of it where no lease was seen.
_UNKNOWN = 6.0


def play(stage: ScenarioContext) -> None:
    """Hold the first report until the rest is done and the others had time to leave."""
    caught = _first_report(stage)
    # All of its connections: a worker that gets no answer soon tries another one.
    stage.testbed.tap.hold(caught.address)
    victim = stage.worker_at(caught.address)
    items = [payload(item) for item in stage.items]
    stage.wait(
        "all other items to be settled", conditions.all_settled(items, but=1), stage.bounds.end
    )
    stage.recorder.wait_or_none(
        "somebody to leave", conditions.worker_succeeded(), _patience(stage, caught)
    )
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


def _first_report(stage: ScenarioContext) -> RemoteHit:
    """Of a worker whose lease began when another was there: that one has the time of the lease."""
    if stage.points.claiming is None:
        trap = stage.set_breakpoint(stage.points.settling)
        stage.start()
        return stage.wait_for_hit(trap)
    early = stage.set_breakpoint(stage.points.claiming)
    stage.start()
    address = stage.wait_for_hit(early).address
    another = conditions.another_connects(address)
    stage.recorder.wait_or_none("another worker to connect", another, stage.start_timeout)
    trap = stage.set_breakpoint(stage.points.settling)
    stage.resume(early)
    return stage.wait_for_hit(trap)


def _patience(stage: ScenarioContext, caught: RemoteHit) -> float:
    """Seconds until the victim has to be killed: others take over what an expired lease was on."""
    lease = stage.lease
    if lease is None:
        return _UNKNOWN
    given = conditions.last_delivery_to(caught.address)(stage.recorder.events)
    until = getattr(given.what, "until", None) if given is not None else None
    left = lease if until is None else until - stage.recorder.elapsed() - _SPARE
    return max(0.0, min(left, _PART * lease))


SCENARIO = Scenario(
    name="late-loss",
    says="a worker is lost with the last item when all others have nothing more to do",
    proves={"fine": ("L8", "S1", "S12", "L3")},
    play=play,
    faults=(FAULT.name,),
    items=3,
    level="extended",
)
