"""A worker's connections end at the broker's side only: no packet reaches the worker."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import PID, wait_on_node
from harness.history import HALF_OPEN, Worker
from harness.infra.cluster import Provider

#: Seconds for a worker to notice: RabbitMQ's own heartbeats are a minute apart, and two may fail.
_NOTICE_SECONDS = 180.0
#: Script that runs iptables in the network namespace of a container; the rules end with the pod.
_IPTABLES_IN_POD = (
    PID
    + """\
exec nsenter --target "$pid" --net iptables "$@"
"""
)
#: Script that succeeds once the rules have dropped at least one packet for each of the ports.
_PACKETS_DROPPED = (
    PID
    + """\
seen=$(nsenter --target "$pid" --net iptables -nvxL INPUT) || exit
for port; do
  echo "$seen" | awk -v port="dpt:$port" '$NF == port && $1 > 0 { n = 1 } END { exit !n }' || exit
done
"""
)


@dataclass(frozen=True)
class ConnectionHalfOpen:
    """End a worker's connections at the broker's side only; new connections still work."""

    name: str = HALF_OPEN

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can.

        Without iptables on the node, the machine of the tap would still answer for the broker.
        """
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """End the connections; return when the worker has noticed, or had long enough to notice."""
        tap, provider, pod = context.testbed.tap, context.testbed.provider, context.pod(worker)
        container, settle = context.container_of(worker), context.testbed.namespace.timeouts.settle
        tap.hold(address)  # a client that connects for each command does so now, and must lose it
        opened = context.wait(
            f"a connection of pod {pod.name}", conditions.open_of(address), settle
        )
        ports = [str(connection.port) for connection in opened]
        begun = context.injected(self.name, f"pod {pod.name}: it hears nothing more", worker)
        for port in ports:
            rule = ("-I", "INPUT", "-p", "tcp", "--dport", port, "-j", "DROP")
            provider.on_node(pod.node, "sh", "-c", _IPTABLES_IN_POD, container, *rule)
        tap.cut(address)
        tap.release(address)
        cut = context.wait(
            "its end at the broker", conditions.cut_off_after(begun, address), settle
        )
        awaited = "the worker not to hear of it"
        wait_on_node(context, awaited, pod.node, _PACKETS_DROPPED, container, *ports)
        context.confirmed(self.name, begun, cut.id)
        noticed = conditions.noticed_cut_after(begun, worker, address)
        context.recorder.wait_or_none("the worker to notice it", noticed, _NOTICE_SECONDS)
        context.healed(self.name)


FAULT = ConnectionHalfOpen()
