"""The broker is killed and its disk is lost: it comes back, and knows of nothing."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import Stage
from harness.engine.steps.broker_restart import end_broker, is_back
from harness.history import Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class BrokerLoss:
    """Kills the broker's process from its node, and deletes what it has written."""

    name: str = "broker lost"

    def available(self, provider: Provider) -> str:
        """It takes commands on the node."""
        return provider.reaches_nodes()

    def inject(self, stage: Stage, worker: Worker, address: str) -> None:
        """Returns when the broker serves again; what was held for the worker is lost with it."""
        tap = stage.station.tap
        tap.hold(address)
        begun = end_broker(stage, self.name, "SIGKILL", wipe=True)
        tap.cut(address)
        tap.release(address)
        stage.confirmed(self.name, begun, *is_back(stage, begun, kept=False))
        stage.healed(self.name)


FAULT = BrokerLoss()
