"""The harness cuts the network between a worker and its broker for a few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import wait_until_elapsed
from harness.history import CUT_OFF, Worker
from harness.infra.cluster import Provider

#: Seconds for which no message passes.
_CUT_SECONDS = 3.0


@dataclass(frozen=True)
class NetworkCut:
    """Break a worker's connections; for a while its new connections do not reach the broker."""

    name: str = CUT_OFF

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the tap."""
        return ""

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Cut the network; return when the worker can reach the broker again."""
        tap, pod = context.testbed.tap, context.pod(worker)
        tap.hold(address)
        begun = context.injected(self.name, f"pod {pod.name}: its connections are cut", worker)
        tap.cut(address)
        timeout = context.testbed.namespace.timeouts.settle
        isolated = conditions.cut_off_after(begun, address)
        broken = context.wait("a connection to be cut, or not to be heard", isolated, timeout)
        wait_until_elapsed(
            context, "the cut", context.recorder.elapsed() + _CUT_SECONDS, 2 * _CUT_SECONDS
        )
        tap.cut(address)  # also the connections that were opened meanwhile
        tap.release(address)
        context.confirmed(self.name, begun, broken.id)
        context.healed(self.name)


FAULT = NetworkCut()
