"""A connection is gone, and only the broker knows: the worker hears nothing more of it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import PID, wait_on_node
from harness.history import HALF_OPEN, Worker
from harness.infra.cluster import Provider

#: Seconds for a worker to notice: RabbitMQ's own heartbeats are a minute apart, and two may fail.
_NOTICED = 180.0
#: Runs iptables where a container's packets go; what it changes there ends with the pod.
_IN_ITS_NETWORK = (
    PID
    + """\
exec nsenter --target "$pid" --net iptables "$@"
"""
)
#: Succeeds once something came for each of the ports, and was thrown away.
_THROWN_AWAY = (
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
    """Ends a worker's connections at the broker's side alone; new ones come about as ever."""

    name: str = HALF_OPEN

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes commands on the node: the tap's machine would still answer for the broker."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """Returns when the worker has noticed, or had long enough for it."""
        tap, provider, pod = stage.testbed.tap, stage.testbed.provider, stage.pod(worker)
        container, settle = stage.container_of(worker), stage.testbed.namespace.timeouts.settle
        tap.hold(address)  # who connects for each command does so now, and is to lose that one
        opened = stage.wait(f"a connection of pod {pod.name}", conditions.open_of(address), settle)
        ports = [str(one.port) for one in opened]
        begun = stage.injected(self.name, f"pod {pod.name}: it hears nothing more", worker)
        for port in ports:
            rule = ("-I", "INPUT", "-p", "tcp", "--dport", port, "-j", "DROP")
            provider.on_node(pod.node, "sh", "-c", _IN_ITS_NETWORK, container, *rule)
        tap.cut(address)
        tap.release(address)
        ended = stage.wait(
            "its end at the broker", conditions.cut_off_after(begun, address), settle
        )
        what = "the worker not to hear of it"
        wait_on_node(stage, what, pod.node, _THROWN_AWAY, container, *ports)
        stage.confirmed(self.name, begun, ended.id)
        noticed = conditions.noticed_after(begun, worker, address)
        stage.recorder.wait_or_none("the worker to notice it", noticed, _NOTICED)
        stage.healed(self.name)


FAULT = ConnectionHalfOpen()
