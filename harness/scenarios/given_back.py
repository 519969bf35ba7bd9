"""One item is returned again and again: the other items must have their turn."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.scenario import Scenario, ScenarioContext
from harness.engine.steps.delivery_limit import require_first_delivery
from harness.history import Event, ItemDelivered, ItemSettled, payload

#: Coarse: with each try the kubelet's pause before the next one grows.
_MAX_TRIES = 3


def play(context: ScenarioContext) -> None:
    """Run one worker on two items, the first of which fails.

    Wait until both are dealt with, or until the second one is overtaken too often.
    """
    items = [payload(item) for item in context.items]
    attempt_bound = len(items) * context.recorder.header.max_attempts

    def starved(events: Sequence[Event]) -> bool | None:
        if context.ended(events) is not None:
            return False
        settled = {event.what.item for event in events if isinstance(event.what, ItemSettled)}
        delivered = [event.what.item for event in events if isinstance(event.what, ItemDelivered)]
        # One more than the bound, plus the first delivery, which overtook no item.
        if delivered.count(items[0]) > attempt_bound + 2:
            return True
        return False if settled.issuperset(items) else None

    context.start()
    if context.testbed.pattern.capabilities.has_delivery_limit:
        require_first_delivery(context)
    awaited = "all items to be dealt with"
    if context.recorder.wait_or_none(awaited, starved, 2 * context.start_timeout) is False:
        context.wait_for_the_end()


SCENARIO = Scenario(
    name="given-back",
    says="the work on one item fails again and again while another one waits",
    proves={"fine": ("L5", "L3"), "coarse": ("L5", "S12", "L3")},
    play=play,
    items=2,
    parallelism=1,
    more_completions=-1,
    tries=_MAX_TRIES,
    failing=True,
    level="extended",
)
