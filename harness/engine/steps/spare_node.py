"""What scenarios have in common in which a worker's whole node is lost: they use the spare one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import SPARE, Provider
from harness.tap.control.client import BreakpointHandle

#: Workers that the spare node is open to, and no two on a node.
SPREAD: Mapping[str, Any] = {
    "tolerations": [{"key": SPARE, "operator": "Exists"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "nodeTaintsPolicy": "Honor",
            "labelSelector": {
                "matchExpressions": [{"key": "batch.kubernetes.io/job-name", "operator": "Exists"}]
            },
        }
    ],
}
#: Seconds for which a worker elsewhere is stopped; clients wait for longer.
_STOP = 2.0
#: Seconds for a node that was killed to be one of the cluster again.
_START = 120.0
#: Succeeds once a node reaches the name server, which takes all of the cluster's network, and
#: kube-proxy has heard of the address `$0`, or works otherwise than by iptables. Nobody connects to
#: that: the tap would take it for a worker's.
_WORKS = """
server=$(sed -n '/^clusterDNS:/{n;s/^- *//p}' /var/lib/kubelet/config.yaml)
timeout 2 bash -c "</dev/tcp/$server/53" || exit
rules=$(iptables-save -t nat)
case "$rules" in *KUBE-SERVICES*) ;; *) exit 0 ;; esac
echo "$rules" | grep -q -e "-d $0/32 .*-j KUBE-SVC-" && exit
echo "nothing leads to the broker's address so far" >&2
exit 1
"""


def unavailable_reason(provider: Provider) -> str:
    """Why no node can be lost with this provider; empty when one can."""
    if provider.spare_node():
        return ""
    return "the cluster has no node that may be lost; --spare-node yes makes one"


def start_worker_on_spare_node(stage: ScenarioContext) -> tuple[Worker, str]:
    """Start the Job, and wait until a worker on the spare node has begun an item; its address too.

    It is held at its report, where it makes one. To be called in the node's turn.
    """
    spare = stage.testbed.provider.spare_node()
    # Whoever had it before may just have let it go on: nobody can be sent there for a while.
    stage.testbed.namespace.wait_node_open(spare, {SPARE})
    _until_it_works(stage, spare)
    # All are stopped at their items until one is found there.
    traps = [
        stage.set_breakpoint(stage.points.delivered) for _ in range(stage.scenario.parallelism)
    ]
    stage.start()
    while True:
        trap = traps.pop(0)
        caught = stage.wait_for_hit(trap)
        victim = stage.worker_at(caught.address)
        if stage.pod(victim).node == spare:
            break
        # The others go on, or their clients would give up; but not so fast that nothing is left.
        nexts = tuple(traps)
        stage.recorder.wait_or_none("another worker at its item", _caught(nexts), _STOP)
        traps.append(stage.set_breakpoint(stage.points.delivered))
        stage.resume(trap)
    _let_go(stage, traps)
    if stage.calibration.settles:
        stage.set_breakpoint(stage.points.settling, caught.address)
    stage.resume(trap)
    stage.wait_until_started(victim, caught)
    return victim, caught.address


def _caught(traps: Sequence[BreakpointHandle]) -> Callable[[object], bool | None]:
    """Whether one of these has caught somebody."""
    return lambda _: True if any(one.hit is not None for one in traps) else None


def _until_it_works(stage: ScenarioContext, node: str) -> None:
    """Wait until workers on a node reach the broker: it may have been lost a moment ago.

    The cluster calls it ready for a while after its death, and again before its network is up; and
    who was frozen hears late of what came meanwhile.
    """
    station = stage.testbed
    address = station.namespace.cluster_ip(station.pattern.service)

    def probe() -> None:
        try:
            station.provider.on_node(node, "sh", "-c", _WORKS, address)
        except InfrastructureError as error:
            raise NotYet(str(error.seen or error)) from error

    wait_until(f"the node {node} to reach the broker", probe, timeout=_START)


def _let_go(stage: ScenarioContext, traps: list[BreakpointHandle]) -> None:
    """Catch nobody any more, and let go on who was caught meanwhile."""
    stage.clear_breakpoints(*traps)
    stage.testbed.tap.sync(stage.testbed.namespace.timeouts.settle)
    for trap in traps:
        if trap.hit is not None:
            trap.release()
