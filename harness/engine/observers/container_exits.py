"""Exit times of containers from their runtime, in milliseconds; the kubelet has seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from harness.history import ContainerExited, Worker

#: Prints id and status of containers, as far as the runtime (containerd) still has them.
TELL = """
cd /var/lib/containerd/io.containerd.grpc.v1.cri/containers 2> /dev/null || exit 0
for id; do [ -f "$id/status" ] && echo "$id $(cat "$id/status")"; done
true
"""
_LINE = re.compile(r'^(?P<id>[0-9a-f]+) .*"FinishedAt":(?P<at>[1-9]\d*)')
_NANOSECONDS = 1e-9


def exit_times(
    on_node: Callable[..., str | None],
    ended: Mapping[str, Mapping[str, Worker]],
    epoch: float,
) -> Iterator[ContainerExited]:
    """Yield the exits of containers; nothing for a node that cannot be queried.

    Args:
        on_node: Runs a command on a node; returns its output or None.
        ended: For each node, workers by the ids of their containers.
        epoch: The moment 0 of the results, in seconds since 1970.
    """
    for node, workers in ended.items():
        output = on_node(node, "sh", "-c", TELL, "sh", *workers) or ""
        for line in output.splitlines():
            match = _LINE.match(line)
            if match and match["id"] in workers:
                moment = int(match["at"]) * _NANOSECONDS - epoch
                yield ContainerExited(workers[match["id"]], round(moment, 6))
