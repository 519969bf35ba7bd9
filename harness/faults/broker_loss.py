"""The harness kills the broker and deletes its disk: the broker restarts without its data."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import confirm_restart, kill_broker
from harness.history import Worker
from harness.history.fault_names import BROKER_LOST
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerLoss:
    """Kill the broker's process from its node, and delete the files that it has written."""

    name: str = BROKER_LOST

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can."""
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Lose the broker; return when it serves again.

        The messages that the harness held for the worker are lost with it.
        """
        tap = context.testbed.tap
        tap.hold(address)
        begun = kill_broker(context, self.name, "SIGKILL", wipe=True)
        tap.cut(address)
        tap.release(address)
        context.confirmed(self.name, begun, *confirm_restart(context, begun, kept=False))
        context.healed(self.name)


FAULT = BrokerLoss()
