"""The harness delays the network, so that a worker waits a second for each broker answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Event, Worker
from harness.infra.cluster import Provider

#: Seconds by which each message is late, in each direction, and seconds for which that lasts.
_DELAY, _DURATION = 0.5, 15.0


@dataclass(frozen=True)
class NetworkSlow:
    """Delay all messages between a worker and its broker; they stay in order and complete."""

    name: str = "network slow"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the tap."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Slow the network down; return when it is fast again."""
        tap, recorder = context.testbed.tap, context.recorder
        description = f"pod {context.pod(worker).name}: an answer takes {2 * _DELAY:g} s"
        since = recorder.elapsed()
        begun = context.injected(self.name, description, worker)
        tap.slow(address, _DELAY)
        end, exited = since + _DURATION, conditions.exit_of(worker)

        def enough(events: Sequence[Event]) -> bool | None:
            return True if recorder.elapsed() > end or exited(events) else None

        recorder.wait_or_none("a slow network to have lasted", enough, 2 * _DURATION)
        tap.slow(address, 0.0)
        timeout = context.testbed.namespace.timeouts.settle
        message = context.wait(
            "something to be said", conditions.printed_since(since, address), timeout
        )
        context.confirmed(self.name, begun, message.id)
        context.healed(self.name)


FAULT = NetworkSlow()
