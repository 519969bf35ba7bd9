"""The harness kills a worker's container with SIGKILL from its node, without a warning."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import Provider

_SIGKILL_EXIT_CODE = 137


@dataclass(frozen=True)
class ContainerKill:
    """Kill a worker's container from outside: no process inside could kill its first process."""

    name: str = "container killed"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can."""
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Kill the worker. From now on no message passes, and held messages are lost."""
        tap, pod = context.testbed.tap, context.pod(worker)
        tap.hold(address)
        container = context.container_of(worker)
        description = f"pod {pod.name}: SIGKILL from its node"
        begun = context.cut_off(self.name, description, worker, address)
        victim = context.owners.newest_run(worker)
        kill = ("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", container)
        context.testbed.provider.on_node(pod.node, *kill)
        context.landed(self.name, victim)
        timeout = context.testbed.namespace.timeouts.settle
        exit_event = context.wait(
            f"pod {pod.name} to be killed", conditions.exit_of(worker), timeout
        )
        tap.let_back(address)
        if getattr(exit_event.what, "exit_code", None) == _SIGKILL_EXIT_CODE:
            context.confirmed(self.name, begun, exit_event.id)
        context.healed(self.name)


FAULT = ContainerKill()
