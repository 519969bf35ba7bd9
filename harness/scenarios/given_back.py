"""One item is given back again and again: the others have their turn all the same."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.delivery_limit import require_first_delivery
from harness.history import Event, ItemDelivered, ItemSettled, payload

#: Coarse: with each one the kubelet's pause before the next grows.
_TRIES = 3


def play(stage: ScenarioContext) -> None:
    """One worker, two items, the first of which fails: until both are dealt with, or too late."""
    items = [payload(item) for item in stage.items]
    most = len(items) * stage.recorder.header.max_attempts

    def starved(events: Sequence[Event]) -> bool | None:
        if stage.ended(events) is not None:
            return False
        settled = {one.what.item for one in events if isinstance(one.what, ItemSettled)}
        given = [one.what.item for one in events if isinstance(one.what, ItemDelivered)]
        # One more than the bound, and the first delivery, which has overtaken nobody.
        if given.count(items[0]) > most + 2:
            return True
        return False if settled.issuperset(items) else None

    stage.start()
    if stage.testbed.pattern.capabilities.has_delivery_limit:
        require_first_delivery(stage)
    what = "all items to be dealt with"
    if stage.recorder.wait_or_none(what, starved, 2 * stage.start_timeout) is False:
        stage.wait_for_the_end()


SCENARIO = Scenario(
    name="given-back",
    says="the work on one item fails again and again while another one waits",
    proves={"fine": ("L5", "L3"), "coarse": ("L5", "S12", "L3")},
    play=play,
    items=2,
    parallelism=1,
    more_completions=-1,
    tries=_TRIES,
    failing=True,
    level="extended",
)
