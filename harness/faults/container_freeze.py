"""SIGSTOP from the node: a worker's processes do nothing until they are told to go on."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import wait_on_node
from harness.engine.steps.lease_takeover import wait_until_taken_over
from harness.history import Worker
from harness.infra.cluster import Provider

_CTR = ("ctr", "--namespace", "k8s.io", "task")
#: Succeeds when all processes of a container are stopped, and there are any.
_STOPPED = """
pids=$(ctr --namespace k8s.io task ps "$0" | awk 'NR > 1 { print $1 }')
[ -n "$pids" ] || exit 1
for pid in $pids; do grep -q '^State:[[:space:]]*[Tt]' "/proc/$pid/status" || exit 1; done
"""


@dataclass(frozen=True)
class ContainerFreeze:
    """Stops a worker for longer than its lease; it does not know that time has passed."""

    name: str = "container frozen"

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes commands on the node."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Freeze until somebody else was given its item, or surely could have been; then thaw."""
        node, container = stage.pod(worker).node, stage.container_of(worker)
        provider = stage.testbed.provider
        to = f"pod {stage.pod(worker).name}: SIGSTOP from its node"
        begun = stage.injected(self.name, to, worker)
        provider.on_node(node, *_CTR, "kill", "--all", "--signal", "SIGSTOP", container)
        what = "all processes of the container to be stopped"
        wait_on_node(stage, what, node, _STOPPED, container)
        shown = wait_until_taken_over(stage, address)
        provider.on_node(node, *_CTR, "kill", "--all", "--signal", "SIGCONT", container)
        stage.resume_client(address)
        stage.confirmed(self.name, begun, shown)
        stage.healed(self.name)


FAULT = ContainerFreeze()
