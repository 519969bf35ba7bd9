"""A worker's container runs out of memory: the kernel kills it, the kubelet reports it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import PID
from harness.history import Worker
from harness.infra.cluster import Provider

_SIGKILL_EXIT_CODE = 137
#: Script that leaves the container 4 MiB more than it uses, and allocates more in its cgroup (v1 or
#: v2). Only the allocating process joins the cgroup, for the kernel may kill every process there.
#: The kernel must begin with the processes that are there already, also if the kubelet asked it to
#: spare them (a guaranteed pod). The script reads the kernel's count of kills, because the
#: kubelet's report comes by an event that may be late. If the cgroup's counter is gone, so is the
#: container, and its exit shows the cause.
_EXHAUST_MEMORY = (
    PID
    + """\
group=/sys/fs/cgroup/memory$(awk -F: '$2 == "memory" { print $3 }' "/proc/$pid/cgroup")
limit=memory.limit_in_bytes used=memory.usage_in_bytes events=memory.oom_control
if ! [ -e "$group/$limit" ]; then
  group=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$pid/cgroup")
  limit=memory.max used=memory.current events=memory.events
fi
echo $(($(cat "$group/$used") + 4194304)) > "$group/$limit" || exit
for one in $(cat "$group/cgroup.procs"); do
  echo 1000 > "/proc/$one/oom_score_adj" 2> /dev/null
done
head --bytes=16M /dev/zero |
  timeout 10 sh -c 'echo $$ > "$0/cgroup.procs" && exec tail --bytes=16M' "$group" > /dev/null
counted=$(cat "$group/$events") || exit 0
echo "$counted" | grep -q '^oom_kill [1-9]' && exit
echo "the kernel has killed nobody: $counted" >&2
exit 1
"""
)


@dataclass(frozen=True)
class ContainerOom:
    """Lower the memory limit of a worker's container, and make it ask for more memory."""

    name: str = "out of memory"

    def unavailable_reason(self, provider: Provider) -> str:
        """Return why the harness cannot run commands on nodes; empty if it can."""
        return provider.node_access_error()

    def inject(self, context: ScenarioContext, worker: Worker, address: str) -> None:
        """Kill the worker. From now on no message passes, and held messages are lost."""
        tap, pod = context.testbed.tap, context.pod(worker)
        tap.hold(address)
        container = context.container_of(worker)
        begun = context.cut_off(self.name, f"pod {pod.name}: no more memory", worker, address)
        context.testbed.provider.on_node(pod.node, "sh", "-c", _EXHAUST_MEMORY, container)
        timeout = context.testbed.namespace.timeouts.settle
        exit_event = context.wait(
            f"pod {pod.name} to be killed", conditions.exit_of(worker), timeout
        )
        tap.let_back(address)
        if getattr(exit_event.what, "exit_code", None) == _SIGKILL_EXIT_CODE:
            context.confirmed(self.name, begun, exit_event.id)
        context.healed(self.name)


FAULT = ContainerOom()
