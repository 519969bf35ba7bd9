"""A worker's whole node falls silent while it has an item, and comes back later."""

from __future__ import annotations

from harness.faults.node_freeze import FAULT
from harness.ports import SPARE
from harness.stage import Scenario, Stage
from harness.tap.remote import RemoteTrap

#: Workers that one node more is open to, and no two on a node.
_SPREAD = {
    "tolerations": [{"key": SPARE, "operator": "Exists"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "nodeTaintsPolicy": "Honor",
            "labelSelector": {
                "matchExpressions": [{"key": "batch.kubernetes.io/job-name", "operator": "Exists"}]
            },
        }
    ],
}


def play(stage: Stage) -> None:
    """Lose the node of a worker that has begun an item; nobody else has pods there meanwhile."""
    with stage.station.provider.spare_turn():
        _play(stage)


def _play(stage: Stage) -> None:
    # All wait at their first item until one is found on the spare node; its report is held then.
    spare = stage.station.provider.spare_node()
    # Who had it before may just have let it go on: the cluster sends nobody there for a while.
    stage.station.namespace.wait_node_open(spare, {SPARE})
    traps = [stage.trap(stage.points.delivered) for _ in range(stage.scenario.parallelism)]
    stage.start()
    while True:
        trap = traps.pop(0)
        caught = stage.catch(trap)
        victim = stage.worker_at(caught.address)
        if stage.pod(victim).node == spare:
            break
        traps.append(stage.trap(stage.points.delivered))
        stage.free(trap)
    _let_go(stage, traps)
    if stage.learned.settles:
        stage.trap(stage.points.settling, caught.address)
    stage.free(trap)
    stage.has_begun(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


def _let_go(stage: Stage, traps: list[RemoteTrap]) -> None:
    """Catch nobody any more, and let go on who was caught meanwhile."""
    stage.disarm(*traps)
    stage.station.tap.sync(stage.station.namespace.timeouts.settle)
    for trap in traps:
        if trap.prey is not None:
            trap.release()


SCENARIO = Scenario(
    name="node-lost",
    says="the node of a worker falls silent while it has an item",
    proves={"fine": ("N1", "S1", "S12", "L3"), "coarse": ("N1", "S1", "L3")},
    play=play,
    faults=(FAULT.name,),
    parallelism=3,
    pod=_SPREAD,
    level="extended",
)
