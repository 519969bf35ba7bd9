"""When containers exited, to the millisecond: their runtime knows it, the kubelet tells seconds."""

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
    """The exits of `ended`: for each node, workers by their containers' ids.

    `epoch`: the moments count from there (seconds since 1970). Nothing where a node does not tell.
    """
    for node, workers in ended.items():
        said = on_node(node, "sh", "-c", TELL, "sh", *workers) or ""
        for line in said.splitlines():
            found = _LINE.match(line)
            if found and found["id"] in workers:
                at = int(found["at"]) * _NANOSECONDS - epoch
                yield ContainerExited(workers[found["id"]], round(at, 6))
