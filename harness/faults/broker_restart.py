"""The broker is told to end, and is started again with all that it had."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import confirm_restart, kill_broker
from harness.history import RESTARTED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerRestart:
    """Sends SIGTERM to the broker's process from its node: it writes down what it has."""

    name: str = RESTARTED

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes a command on the node."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the broker serves again; nobody is held."""
        begun = kill_broker(stage, self.name, "SIGTERM", wipe=False)
        stage.confirmed(self.name, begun, *confirm_restart(stage, begun, kept=True))
        stage.healed(self.name)


FAULT = BrokerRestart()
