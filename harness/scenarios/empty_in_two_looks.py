"""A worker counts what is ready and what is leased, and between the two another takes the last."""

from __future__ import annotations

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext, ScenarioNotApplicable
from harness.tap.control.client import BreakpointHandle, RemoteHit
from harness.tap.points import Point

RACE = "claim between two looks"
#: Part of a lease in which somebody may leave too early.
_PART = 0.5
#: A second, and some more for clocks that do not quite agree.
_SECOND = 1.2


def play(stage: ScenarioContext) -> None:
    """Learn from the first worker at which look it decides; stop the second one there.

    Then the first takes the only item, and the second one sees the rest of what it counts.
    """
    points = stage.points
    if points.counting is None or points.claiming is None:
        raise ScenarioNotApplicable(
            "the scenario 'empty-in-two-looks' cannot be played",
            expected="commands that count what is ready or leased",
            seen="none in the fault-free run",
        )
    both = _either(points.counting, points.claiming)
    trap = stage.set_breakpoint(both)
    stage.start()
    caught, looks = stage.wait_for_hit(trap), 0
    while not points.claiming.fits(caught.message):
        looks += 1
        trap, caught = _next(stage, trap, both, caught.address)
    if not looks:
        raise ScenarioNotApplicable("this worker takes items without a look at how many there are")
    first, tap = caught.address, stage.testbed.tap
    tap.hold(first)
    holder = stage.worker_at(first)
    begun = stage.injected(RACE, f"a worker at its claim, another at its look {looks}", holder)
    second, rival = _at_its_look(stage, points.counting, looks)
    stage.set_breakpoint(points.settling, first)
    tap.release(first)
    timeout = stage.testbed.namespace.timeouts.settle
    given = stage.wait(
        "the first worker to be given the item", conditions.last_delivery_to(first), timeout
    )
    stage.resume(second)
    lease = stage.lease
    patience = _PART * (lease or timeout)
    left = stage.recorder.wait_or_none("somebody to leave", conditions.worker_succeeded(), patience)
    if left is not None:
        over = stage.recorder.elapsed() + _SECOND
        what = "the second of the exit to be over"
        stage.recorder.wait_or_none(
            what, lambda _: True if stage.recorder.elapsed() > over else None, 2 * _SECOND
        )
    stage.clear_breakpoints()
    for address in (first, rival):
        tap.release(address)
    stage.confirmed(RACE, begun, given.id)
    stage.healed(RACE)
    stage.wait_for_the_end()


def _at_its_look(
    stage: ScenarioContext, counting: Point, looks: int
) -> tuple[BreakpointHandle, str]:
    """Let a second worker come, and stop it at its look of this number."""
    trap = stage.set_breakpoint(counting)
    stage.testbed.namespace.scale_job(stage.job, 2)
    caught = stage.wait_for_hit(trap)
    for _ in range(looks - 1):
        trap, caught = _next(stage, trap, counting, caught.address)
    return trap, caught.address


def _next(
    stage: ScenarioContext, trap: BreakpointHandle, point: Point, address: str
) -> tuple[BreakpointHandle, RemoteHit]:
    """Let a worker go on to its next such point; the trap there is set before."""
    following = stage.set_breakpoint(point, address)
    stage.resume(trap)
    return following, stage.wait_for_hit(following)


def _either(one: Point, other: Point) -> Point:
    signatures = (*one.signatures, *other.signatures)
    return Point(f"{one.name} or {other.name}", "broker", "command", signatures=signatures)


SCENARIO = Scenario(
    name="empty-in-two-looks",
    says="another worker takes the last item while one counts what there is",
    proves={"fine": ("S1", "S9", "S10", "S12", "L3")},
    play=play,
    faults=(RACE,),
    items=1,
    parallelism=1,
    level="extended",
)
