"""Nobody listens at the broker's address: connections are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine.scenario import ScenarioContext
from harness.engine.steps.broker_restart import NOBODY
from harness.engine.steps.common import wait_on_node
from harness.infra.cluster import Provider

#: Succeeds where kube-proxy refuses connections to an address, or works otherwise than by iptables.
#: Not by a connection: the tap would take it for a worker's.
_REFUSED = """
rules=$(iptables-save -t filter)
case "$rules" in *KUBE-SERVICES*) ;; *) exit 0 ;; esac
echo "$rules" | grep -q -e "-d $0/32 .*-j REJECT" && exit
echo "it still leads to the broker's pod" >&2
exit 1
"""


@dataclass(frozen=True)
class BrokerUnreachable:
    """Lets the broker's Service lead to no pod; it keeps its name and its address."""

    name: str = "broker unreachable"

    def unavailable_reason(self, provider: Provider) -> str:
        """Always: it takes nothing but the API server."""
        return ""

    @contextlib.contextmanager
    def active(self, stage: ScenarioContext) -> Iterator[int]:
        """For as long as the block lasts; gives the event of its beginning.

        Who was connected before stays so.
        """
        namespace, service = stage.testbed.namespace, stage.testbed.pattern.service
        namespace.patch_selector(service, **{NOBODY: "true"})
        try:
            _until_refused(stage)
            yield stage.injected(self.name, f"Service {service}: it leads to no pod")
        finally:
            namespace.patch_selector(service, **{NOBODY: None})
            stage.healed(self.name)


def _until_refused(stage: ScenarioContext) -> None:
    """Wait until all nodes know: they hear of it from the API server, each for itself."""
    namespace, provider = stage.testbed.namespace, stage.testbed.provider
    if provider.node_access_error():
        return
    address = namespace.cluster_ip(stage.testbed.pattern.service)
    # What runs on the spare node is another's, and it may be frozen.
    names = (one.name for one in namespace.nodes())
    for node in (one for one in names if one != provider.spare_node()):
        what = f"the broker's address to be refused on {node}"
        wait_on_node(stage, what, node, _REFUSED, address)


FAULT = BrokerUnreachable()
