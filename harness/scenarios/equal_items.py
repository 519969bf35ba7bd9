"""Items that are equal: each counts, and none goes with another."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext

_EQUAL = 3


def play(stage: ScenarioContext) -> None:
    """Stop the first who reports an equal item until another worker has one, too.

    At that moment two of them are being worked on and one is waiting, where the worker lets us.
    """
    if stage.points.settling is None:
        stage.start()
    else:
        trap = stage.set_breakpoint(stage.points.settling)
        stage.start()
        caught = stage.wait_for_hit(trap)
        others = conditions.delivery_elsewhere(caught.address, after=0)
        patience = stage.start_timeout
        stage.recorder.wait_or_none("an equal item with another worker", others, patience)
        stage.resume(trap)
    stage.wait_for_the_end()


def _payloads(names: Sequence[str], mark: str) -> Sequence[bytes]:
    return [f"{names[0]}-{mark}".encode()] * _EQUAL + [f"{names[1]}-{mark}".encode()]


SCENARIO = Scenario(
    name="equal-items",
    says="three of four items are equal",
    proves={"fine": ("S14", "S12", "L3"), "coarse": ("S14", "S12", "S13", "L3")},
    play=play,
    level="extended",
    payloads=_payloads,
)
