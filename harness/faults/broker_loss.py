"""The broker is killed and its disk is lost: it comes back, and knows of nothing."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import confirm_restart, kill_broker
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerLoss:
    """Kills the broker's process from its node, and deletes what it has written."""

    name: str = "broker lost"

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes commands on the node."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the broker serves again; what was held for the worker is lost with it."""
        tap = stage.testbed.tap
        tap.hold(address)
        begun = kill_broker(stage, self.name, "SIGKILL", wipe=True)
        tap.cut(address)
        tap.release(address)
        stage.confirmed(self.name, begun, *confirm_restart(stage, begun, kept=False))
        stage.healed(self.name)


FAULT = BrokerLoss()
