"""Shared steps of scenarios that lose a worker's whole node: they use the spare node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.clock import NotYet, wait_until
from harness.core.errors import InfrastructureError
from harness.engine.scenario import ScenarioContext
from harness.history import Worker
from harness.infra.cluster import SPARE, Provider
from harness.tap.control.client import BreakpointHandle

#: Pod settings: workers tolerate the spare node, and no two of them share a node.
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
#: Seconds for which a worker on another node is held; clients wait for longer.
_HOLD_SECONDS = 2.0
#: Seconds for a killed node to join the cluster again.
_RECOVERY_SECONDS = 120.0
#: Script that succeeds when the node reaches the DNS server, which needs the whole cluster network,
#: and kube-proxy has rules for the address `$0` (or does not use iptables). The script does not
#: connect to that address: the tap would take the connection for a worker's.
_NODE_READY = """
server=$(sed -n '/^clusterDNS:/{n;s/^- *//p}' /var/lib/kubelet/config.yaml)
timeout 2 bash -c "</dev/tcp/$server/53" || exit
rules=$(iptables-save -t nat)
case "$rules" in *KUBE-SERVICES*) ;; *) exit 0 ;; esac
echo "$rules" | grep -q -e "-d $0/32 .*-j KUBE-SVC-" && exit
echo "nothing leads to the broker's address so far" >&2
exit 1
"""


def unavailable_reason(provider: Provider) -> str:
    """Return why this provider cannot lose a node; empty if it can."""
    if provider.spare_node():
        return ""
    return "the cluster has no node that may be lost; --spare-node yes makes one"


def start_worker_on_spare_node(context: ScenarioContext) -> tuple[Worker, str]:
    """Start the Job, and wait until a worker on the spare node has begun an item.

    Returns the worker and its address. The harness holds the worker at its report, if it makes one.
    The caller must hold the exclusive use of the spare node.
    """
    spare = context.testbed.provider.spare_node()
    # An earlier run may just have thawed the node: for a while no pod can be scheduled there.
    context.testbed.namespace.wait_node_open(spare, {SPARE})
    _wait_until_node_works(context, spare)
    # Hold every worker at its delivery until one of them is on the spare node.
    handles = [
        context.set_breakpoint(context.points.delivered)
        for _ in range(context.scenario.parallelism)
    ]
    context.start()
    while True:
        handle = handles.pop(0)
        hit = context.wait_for_hit(handle)
        victim = context.worker_at(hit.address)
        if context.pod(victim).node == spare:
            break
        # Resume the others, or their clients would give up; slowly, so that items remain.
        remaining = tuple(handles)
        context.recorder.wait_or_none(
            "another worker at its item", _any_hit(remaining), _HOLD_SECONDS
        )
        handles.append(context.set_breakpoint(context.points.delivered))
        context.resume(handle)
    _release_all(context, handles)
    if context.calibration.settles:
        context.set_breakpoint(context.points.settling, hit.address)
    context.resume(handle)
    context.wait_until_started(victim, hit)
    return victim, hit.address


def _any_hit(traps: Sequence[BreakpointHandle]) -> Callable[[object], bool | None]:
    """Return a condition: a client has hit one of these breakpoints."""
    return lambda _: True if any(handle.hit is not None for handle in traps) else None


def _wait_until_node_works(context: ScenarioContext, node: str) -> None:
    """Wait until workers on the node reach the broker: a fault may just have hit it.

    The cluster reports a node as ready for a while after its death, and again before its network
    works. A node that was frozen learns late what changed meanwhile.
    """
    testbed = context.testbed
    address = testbed.namespace.cluster_ip(testbed.pattern.service)

    def probe() -> None:
        try:
            testbed.provider.on_node(node, "sh", "-c", _NODE_READY, address)
        except InfrastructureError as error:
            raise NotYet(str(error.seen or error)) from error

    wait_until(f"the node {node} to reach the broker", probe, timeout=_RECOVERY_SECONDS)


def _release_all(context: ScenarioContext, traps: list[BreakpointHandle]) -> None:
    """Clear the breakpoints, and resume every client that hit one meanwhile."""
    context.clear_breakpoints(*traps)
    context.testbed.tap.sync(context.testbed.namespace.timeouts.settle)
    for handle in traps:
        if handle.hit is not None:
            handle.release()
