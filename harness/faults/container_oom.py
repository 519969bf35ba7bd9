"""Out of memory: the kernel kills what is in the container, and the kubelet says so."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine import conditions
from harness.engine.scenario import ScenarioContext
from harness.engine.steps.common import PID
from harness.history import Worker
from harness.infra.cluster import Provider

_KILLED = 137
#: Leaves the container 4 MiB more than it has, and uses up more in its place (cgroup v1 or v2).
#: Only what eats goes in there, for the kernel may kill all that it finds. It is to begin with what
#: is there already, also where the kubelet has asked it to spare that (a guaranteed pod). Whom the
#: kernel has killed it counts; the kubelet's word for it comes by an event that may be late. Where
#: nothing counts any more, the container is gone, and its end tells how.
_EAT = (
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
    """Lets a worker's container have no more memory, and has it ask for some."""

    name: str = "out of memory"

    def unavailable_reason(self, provider: Provider) -> str:
        """It takes commands on the node."""
        return provider.node_access_error()

    def inject(self, stage: ScenarioContext, worker: Worker, address: str) -> None:
        """From now on nothing passes, and what was held is lost."""
        tap, pod = stage.testbed.tap, stage.pod(worker)
        tap.hold(address)
        container = stage.container_of(worker)
        begun = stage.cut_off(self.name, f"pod {pod.name}: no more memory", worker, address)
        stage.testbed.provider.on_node(pod.node, "sh", "-c", _EAT, container)
        timeout = stage.testbed.namespace.timeouts.settle
        end = stage.wait(f"pod {pod.name} to be killed", conditions.exit_of(worker), timeout)
        tap.let_back(address)
        if getattr(end.what, "exit_code", None) == _KILLED:
            stage.confirmed(self.name, begun, end.id)
        stage.healed(self.name)


FAULT = ContainerOom()
