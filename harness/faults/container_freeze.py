"""The harness freezes a worker's processes with SIGSTOP from its node, and thaws them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import wait_on_node
from harness.engine.steps.lease_takeover import wait_until_taken_over
from harness.history import Worker
from harness.infra.cluster import Provider

_CTR = ("ctr", "--namespace", "k8s.io", "task")
#: Script that succeeds if the container has processes, and all of them are stopped.
_ALL_STOPPED = """
pids=$(ctr --namespace k8s.io task ps "$0" | awk 'NR > 1 { print $1 }')
[ -n "$pids" ] || exit 1
for pid in $pids; do grep -q '^State:[[:space:]]*[Tt]' "/proc/$pid/status" || exit 1; done
"""


@dataclass(frozen=True)
class ContainerFreeze:
    """Stop a worker for longer than its lease; it does not know that time has passed."""

    name: str = "container frozen"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can."""
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Freeze until another worker got the item, or surely could have; then thaw."""
        node, container = context.pod(worker).node, context.container_of(worker)
        provider = context.testbed.provider
        description = f"pod {context.pod(worker).name}: SIGSTOP from its node"
        begun = context.injected(self.name, description, worker)
        provider.on_node(node, *_CTR, "kill", "--all", "--signal", "SIGSTOP", container)
        awaited = "all processes of the container to be stopped"
        wait_on_node(context, awaited, node, _ALL_STOPPED, container)
        evidence = wait_until_taken_over(context, address)
        provider.on_node(node, *_CTR, "kill", "--all", "--signal", "SIGCONT", container)
        context.resume_client(address)
        context.confirmed(self.name, begun, evidence)
        context.healed(self.name)


FAULT = ContainerFreeze()
