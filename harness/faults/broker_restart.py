"""The harness stops the broker with SIGTERM: the broker restarts with all its data."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import confirm_restart, kill_broker
from harness.history import RESTARTED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerRestart:
    """Send SIGTERM to the broker's process from its node, so that it saves its data."""

    name: str = RESTARTED

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can."""
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Restart the broker; return when it serves again. The harness holds no worker."""
        begun = kill_broker(context, self.name, "SIGTERM", wipe=False)
        context.confirmed(self.name, begun, *confirm_restart(context, begun, kept=True))
        context.healed(self.name)


FAULT = BrokerRestart()
