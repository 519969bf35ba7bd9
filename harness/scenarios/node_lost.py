"""A worker's whole node falls silent while it has an item, and comes back later."""

from __future__ import annotations

from harness.faults.node_freeze import FAULT
from harness.ports import SPARE
from harness.stage import Scenario, Stage

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
    # All begin until it is one on the spare node, and that one's report is held.
    spare = stage.station.provider.spare_node()
    trap = stage.trap(stage.points.delivered)
    stage.start()
    while True:
        caught = stage.catch(trap)
        victim = stage.worker_at(caught.address)
        if stage.pod(victim).node == spare:
            break
        following = stage.trap(stage.points.delivered)
        stage.free(trap)
        trap = following
    if stage.learned.settles:
        stage.trap(stage.points.settling, caught.address)
    stage.free(trap)
    stage.has_begun(victim, caught)
    FAULT.inject(stage, victim, caught.address)
    stage.wait_for_the_end()


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
