"""A worker's whole node dies: nothing on it ends as it should, and nobody can say that it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps import spare_node
from harness.history import NODE_KILLED, Worker
from harness.infra.cluster import Provider


@dataclass(frozen=True)
class NodeKill:
    """Kills a worker's node, and gives up its pods as an operator does: nothing else would.

    A Job waits for the pods of a dead node for as long as the cluster has them.
    """

    name: str = NODE_KILLED

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes a node that nobody else has anything on."""
        return spare_node.unavailable_reason(provider)

    @contextlib.contextmanager
    def active(self, stage: ScenarioContext, worker: Worker, address: str) -> Iterator[None]:
        """The node is dead for as long as the block lasts, and takes no pods.

        Its pods are given up, before the block, once its worker's item is another's, or could be.
        """
        station, pod = stage.testbed, stage.pod(worker)
        namespace, settle = station.namespace, station.namespace.timeouts.settle
        given = stage.wait("the item of a worker", conditions.last_delivery_to(address), settle)
        taken = conditions.delivered_to_other(getattr(given.what, "item", ""), address, given.id)
        patience = (stage.lease or 0.0) + (stage.bounds.pickup or stage.reclaim)
        with namespace.cordoned(pod.node):
            # Whether the kernel still tells anybody of the end of its connections is a matter of
            # luck: nothing passes any more, and the broker hears of it.
            to = f"node {pod.node}: all that runs on it killed at once"
            begun = stage.cut_off(self.name, to, worker, address)
            station.provider.kill_node(pod.node)
            try:
                station.tap.cut(address)
                station.tap.release(address)
                stage.recorder.wait_or_none("its being taken over", taken, patience)
                for one in namespace.pods_of(stage.job):
                    if one.node == pod.node:
                        namespace.delete_pod(one.name, grace=0)
                end = stage.wait(
                    f"pod {pod.name} to be given up", conditions.pod_gone(worker.pod), settle
                )
                stage.confirmed(self.name, begun, end.id)
                stage.healed(self.name)
                yield
            finally:
                station.provider.start_node(pod.node)


FAULT = NodeKill()
