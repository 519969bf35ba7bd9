"""A worker counts what is ready and what is leased, and between the two an item is given back."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second
from harness.history import Event, ItemDelivered, ItemReclaimed, ItemReturned
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

RACE = "give back between two looks"
#: Seconds for a worker that is told to end to give its item back, and for another to leave then.
_BACK, _LEAVES = 4.0, 4.0
_TWO = 2


def play(stage: ScenarioContext) -> None:
    """Stop a worker without work at its last look; then another gives the only item back.

    Who has counted what is ready before sees now that nothing is leased. The item is ready.
    """
    points, tap = stage.points, stage.testbed.tap
    if points.counting is None or points.claiming is None:
        raise ScenarioNotApplicable(
            "the scenario 'back-in-two-looks' cannot be played",
            expected="commands that count what is ready or leased",
            seen="none in the fault-free run",
        )
    trap = stage.set_breakpoint(points.delivered)
    stage.start()
    caught = stage.wait_for_hit(trap)
    holder = stage.worker_at(caught.address)
    stage.container_of(holder)  # known beforehand: the signal has to be quick
    what = "another worker to connect"
    rival = stage.wait(
        what, conditions.another_connects(caught.address), stage.start_timeout
    ).address
    looks, look = _learn(stage, points.counting, points.claiming, rival)
    if looks < _TWO:  # one look sees all, or none
        stage.resume_client(rival)
        stage.resume_client(caught.address)
        stage.wait_for_the_end()
        return
    begun = stage.injected(RACE, f"a worker in its work, another at its look {looks}", holder)
    before = len(stage.recorder.events)
    stage.resume(trap)
    stage.wait_until_started(holder, caught)
    _tell_to_end(stage, caught)
    back = stage.recorder.wait_or_none("the item to be ready", _ready(before), _BACK)
    stage.resume(look)
    left = stage.recorder.wait_or_none("somebody to leave", conditions.worker_succeeded(), _LEAVES)
    if left is not None:
        wait_out_kubelet_second(stage, left)
    stage.resume_client(rival)
    tap.release(caught.address)
    stage.confirmed(RACE, begun, *([back.id] if back else []))
    stage.healed(RACE)
    stage.wait_for_the_end()


def _learn(
    stage: ScenarioContext, counting: Point, claiming: Point, address: str
) -> tuple[int, BreakpointHandle]:
    """How often a worker that finds nothing looks between two claims; it is stopped at the last."""
    both = Point(
        "a look or a claim",
        "broker",
        "command",
        signatures=(*counting.signatures, *claiming.signatures),
    )
    trap = stage.set_breakpoint(both, address)
    caught = stage.wait_for_hit(trap)
    looks = 0
    while not claiming.fits(caught.message):  # some of its first round may have passed
        trap, caught = _next(stage, trap, both, address)
    while claiming.fits(caught.message):
        trap, caught = _next(stage, trap, both, address)
    while not claiming.fits(caught.message):
        looks += 1
        trap, caught = _next(stage, trap, both, address)
    while claiming.fits(caught.message):
        trap, caught = _next(stage, trap, both, address)
    for _ in range(looks - 1):
        trap, caught = _next(stage, trap, both, address)
    return looks, trap


def _next(
    stage: ScenarioContext, trap: BreakpointHandle, point: Point, address: str
) -> tuple[BreakpointHandle, RemoteHit]:
    following = stage.set_breakpoint(point, address)
    stage.resume(trap)
    return following, stage.wait_for_hit(following)


def _tell_to_end(stage: ScenarioContext, caught: RemoteHit) -> None:
    """SIGTERM from the node: the cluster would take its time to send it."""
    worker = stage.owners.current_run(caught.address)
    if worker is None:
        return
    kill = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGTERM")
    node = stage.pod(worker).node
    stage.testbed.provider.on_node(node, *kill, stage.container_of(worker))


def _ready(before: int) -> conditions.Find:
    def find(events: Sequence[Event]) -> Event | None:
        for event in reversed(events[before:]):
            if isinstance(event.what, ItemDelivered):
                return None
            if isinstance(event.what, (ItemReturned, ItemReclaimed)):
                return event
        return None

    return find


SCENARIO = Scenario(
    name="back-in-two-looks",
    says="a worker gives the only item back while another counts what there is",
    proves={"fine": ("S10", "S1", "S12", "L3")},
    play=play,
    items=1,
    level="extended",
)
