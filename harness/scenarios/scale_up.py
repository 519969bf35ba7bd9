"""More workers come while one is at work: what nobody has begun is theirs."""

from __future__ import annotations

from harness import seen
from harness.stage import NotPlayable, Scenario, Stage

SCALED = "scaled up"
_MORE = 3


def play(stage: Stage) -> None:
    """Hold the only worker at its acknowledgement (or its delivery), and let two more come.

    All its connections are held: it may make a new one, and go on with what it has in stock.
    """
    trap = stage.trap(stage.points.settling or stage.points.delivered)
    stage.start()
    caught = stage.catch(trap)
    stage.station.tap.hold(caught.address)
    worker = stage.worker_at(caught.address)
    begun = stage.injected(SCALED, f"the Job: {_MORE} pods at once, the first one held", worker)
    stage.station.namespace.scale_job(stage.job, _MORE)
    timeout = stage.station.namespace.timeouts.settle
    scaled = stage.wait("the Job to be scaled up", seen.job_at(_MORE), timeout)
    newcomer = stage.recording.wait_quietly(
        "one of the new workers to connect", seen.another_asks(caught.connection), stage.patience
    )
    if newcomer is None:
        raise NotPlayable(
            "no new worker has come to the broker",
            expected=f"one within {stage.patience:g} s of the scale-up",
            seen="nobody but the first",
        )
    others = seen.delivery_to_others({caught.connection}, begun)
    stage.recording.wait_quietly("a delivery to a new worker", others, stage.bounds.progress)
    stage.confirmed(SCALED, begun, scaled.id, newcomer.id)
    stage.station.tap.release(caught.address)
    stage.free(trap)
    stage.healed(SCALED)
    stage.wait_for_the_end()


SCENARIO = Scenario(
    name="scale-up",
    says="two more workers come while the first one is at work",
    proves={"fine": ("L2", "L3", "S12"), "coarse": ("L2", "L3", "S12")},
    play=play,
    faults=(SCALED,),
    items=5,
    parallelism=1,
)
