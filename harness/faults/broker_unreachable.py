"""The broker's Service leads to no pod: connections to its address are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import UNREACHABLE_LABEL
from harness.engine.steps.common import wait_on_node
from harness.history.fault_names import BROKER_UNREACHABLE
from harness.infra.cluster import Provider

#: Script that succeeds if kube-proxy refuses connections to the address `$0`, or does not use
#: iptables. The script does not connect to the address: the tap would take the connection for a
#: worker's.
_REFUSED_BY_NODE = """
rules=$(iptables-save -t filter)
case "$rules" in *KUBE-SERVICES*) ;; *) exit 0 ;; esac
echo "$rules" | grep -q -e "-d $0/32 .*-j REJECT" && exit
echo "it still leads to the broker's pod" >&2
exit 1
"""


@dataclass(frozen=True)
class BrokerUnreachable:
    """Change the broker's Service to select no pod; it keeps its name and its address."""

    name: str = BROKER_UNREACHABLE

    def unavailable_reason(self, provider: Provider) -> str:
        """Return an empty reason: this fault needs nothing but the API server."""
        return ""

    @contextlib.contextmanager
    def active(self, context: ScenarioContext) -> Iterator[int]:
        """Keep the fault active for the block; yield the id of the event of its beginning.

        Clients that were connected before stay connected.
        """
        namespace, service = context.testbed.namespace, context.testbed.pattern.service
        namespace.patch_selector(service, **{UNREACHABLE_LABEL: "true"})
        try:
            _wait_until_refused(context)
            yield context.injected(self.name, f"Service {service}: it leads to no pod")
        finally:
            namespace.patch_selector(service, **{UNREACHABLE_LABEL: None})
            context.healed(self.name)


def _wait_until_refused(context: ScenarioContext) -> None:
    """Wait until all nodes refuse connections.

    Each node learns of the change from the API server, at its own time.
    """
    namespace, provider = context.testbed.namespace, context.testbed.provider
    if provider.node_access_error():
        return
    address = namespace.cluster_ip(context.testbed.pattern.service)
    # The spare node serves other runs, and may be frozen.
    names = (candidate.name for candidate in namespace.nodes())
    for node in (candidate for candidate in names if candidate != provider.spare_node()):
        awaited = f"the broker's address to be refused on {node}"
        wait_on_node(context, awaited, node, _REFUSED_BY_NODE, address)


FAULT = BrokerUnreachable()
