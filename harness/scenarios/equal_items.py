"""Several items are equal: each of them counts, and none gets lost with another."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine import conditions
from harness.engine.scenario import Scenario, ScenarioContext

_EQUAL_COUNT = 3


def play(context: ScenarioContext) -> None:
    """Hold the first worker that reports an equal item until another worker has one, too.

    At that moment, if the workers allow it, two of the items are being worked on and one is
    waiting.
    """
    if context.points.settling is None:
        context.start()
    else:
        handle = context.set_breakpoint(context.points.settling)
        context.start()
        hit = context.wait_for_hit(handle)
        others = conditions.delivery_elsewhere(hit.address, after=0)
        patience = context.start_timeout
        context.recorder.wait_or_none("an equal item with another worker", others, patience)
        context.resume(handle)
    context.wait_for_the_end()


def _payloads(names: Sequence[str], mark: str) -> Sequence[bytes]:
    """Return three equal items and one other item."""
    return [f"{names[0]}-{mark}".encode()] * _EQUAL_COUNT + [f"{names[1]}-{mark}".encode()]


SCENARIO = Scenario(
    name="equal-items",
    says="three of four items are equal",
    proves={"fine": ("S14", "S12", "L3"), "coarse": ("S14", "S12", "S13", "L3")},
    play=play,
    level="extended",
    payloads=_payloads,
)
