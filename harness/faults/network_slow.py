"""A slow network: a worker waits a second for each answer of its broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Event, Worker
from harness.infra.cluster import Provider

#: Seconds by which what is said is late, in each direction; and for which that goes on.
_LATE, _LASTS = 0.5, 15.0


@dataclass(frozen=True)
class NetworkSlow:
    """Lets all that a worker and its broker say arrive late, but in order and whole."""

    name: str = "network slow"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: the tap does it."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the network is as it was."""
        tap, recording = stage.testbed.tap, stage.recorder
        to = f"pod {stage.pod(worker).name}: an answer takes {2 * _LATE:g} s"
        since = recording.elapsed()
        begun = stage.injected(self.name, to, worker)
        tap.slow(address, _LATE)
        over, gone = since + _LASTS, conditions.exit_of(worker)

        def enough(events: Sequence[Event]) -> bool | None:
            return True if recording.elapsed() > over or gone(events) else None

        recording.wait_or_none("a slow network to have lasted", enough, 2 * _LASTS)
        tap.slow(address, 0.0)
        timeout = stage.testbed.namespace.timeouts.settle
        said = stage.wait("something to be said", conditions.said_since(since, address), timeout)
        stage.confirmed(self.name, begun, said.id)
        stage.healed(self.name)


FAULT = NetworkSlow()
