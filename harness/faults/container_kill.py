"""SIGKILL from the node: the worker's process ends at once, and knows nothing of it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider

_KILLED = 137


@dataclass(frozen=True)
class ContainerKill:
    """Kills a worker's container; nothing from inside could end its first process."""

    name: str = "container killed"

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes a command on the node."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """From now on nothing passes, and what was held is lost."""
        tap, pod = stage.testbed.tap, stage.pod(worker)
        tap.hold(address)
        container = stage.container_of(worker)
        to = f"pod {pod.name}: SIGKILL from its node"
        begun = stage.cut_off(self.name, to, worker, address)
        victim = stage.owners.newest_run(worker)
        kill = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", container)
        stage.testbed.provider.on_node(pod.node, *kill)
        stage.landed(self.name, victim)
        timeout = stage.testbed.namespace.timeouts.settle
        end = stage.wait(f"pod {pod.name} to be killed", conditions.exit_of(worker), timeout)
        tap.let_back(address)
        if getattr(end.what, "exit_code", None) == _KILLED:
            stage.confirmed(self.name, begun, end.id)
        stage.healed(self.name)


FAULT = ContainerKill()
