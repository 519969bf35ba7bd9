"""The network between a worker and its broker is cut, and comes back a few seconds later."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import wait_until_elapsed
from harness.history import CUT_OFF, Worker
from harness.infra.cluster import Provider

#: Seconds for which nothing passes.
_LASTS = 3.0


@dataclass(frozen=True)
class NetworkCut:
    """Breaks a worker's connections; whoever connects from there is not heard for a while."""

    name: str = CUT_OFF

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: the tap does it."""
        return ""

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the broker can be reached again."""
        tap, pod = stage.testbed.tap, stage.pod(worker)
        tap.hold(address)
        begun = stage.injected(self.name, f"pod {pod.name}: its connections are cut", worker)
        tap.cut(address)
        timeout = stage.testbed.namespace.timeouts.settle
        alone = conditions.cut_off_after(begun, address)
        broken = stage.wait("a connection to be cut, or not to be heard", alone, timeout)
        wait_until_elapsed(stage, "the cut", stage.recorder.elapsed() + _LASTS, 2 * _LASTS)
        tap.cut(address)  # of those who have come meanwhile nothing was heard
        tap.release(address)
        stage.confirmed(self.name, begun, broken.id)
        stage.healed(self.name)


FAULT = NetworkCut()
