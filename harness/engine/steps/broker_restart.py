"""Shared steps of faults that restart the broker's container."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.core.clock import NotYet, wait_until
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import BrokerBack, BrokerLost, Event
from harness.infra.kube import Pod

#: A label that no pod has.
UNREACHABLE_LABEL = "queuejob-nobody"
#: Where a kubelet keeps a pod's emptyDir volumes.
_VOLUME_PATH = "/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/{name}"


def kill_broker(context: ScenarioContext, fault: str, signal: str, *, wipe: bool) -> int:
    """Send a signal to the broker's process, and delete all its data on disk if `wipe` is set.

    Use the testbed for no further run afterwards: the kubelet delays the start of a container that
    has ended more than once.

    Returns:
        The id of the event with which the fault began. The call returns when workers can reach the
        broker again, and not before the harness knows what data the broker has.
    """
    testbed, pattern = context.testbed, context.testbed.pattern
    testbed.dirty = True
    namespace = testbed.namespace
    pod = namespace.pod(pattern.broker_pod)
    container = namespace.container_id(pod.name, pattern.broker_container)
    description = f"{signal} to the broker's process" + (", and its disk is wiped" if wipe else "")
    kill_command = f"ctr --namespace k8s.io task kill --signal {signal} {container}"
    volume = _VOLUME_PATH.format(uid=pod.uid, name=pattern.broker_volume)
    # After the kill, so that no process writes any more; at once, for the restart comes soon.
    wipe_command = f" && find {volume} -mindepth 1 -delete" if wipe else ""
    namespace.patch_selector(pattern.service, **{UNREACHABLE_LABEL: "true"})
    try:
        begun = context.injected(fault, f"pod {pod.name}: {description}")
        testbed.provider.on_node(pod.node, "sh", "-c", kill_command + wipe_command)
        _wait_until_restarted(context, pod, container)
        testbed.reconnect_broker()
        back = testbed.broker.state_after_restart(context.queue)
        if back is not None:
            context.recorder.record("broker", BrokerLost(description))
            context.recorder.record("broker", back)
        context.wait(
            "the broker to be seen again",
            _broker_back_after(begun),
            namespace.timeouts.broker_ready,
        )
    finally:
        namespace.patch_selector(pattern.service, **{UNREACHABLE_LABEL: None})
    return begun


def confirm_restart(context: ScenarioContext, begun: int, *, kept: bool) -> tuple[int, ...]:
    """Return the ids of the events that show the end and the return of the broker.

    `kept` is whether the broker must be back with its data. Raises `ScenarioNotApplicable` where it
    came back otherwise.
    """
    events = [event for event in context.recorder.events if event.id > begun]
    broker_events = [event for event in events if isinstance(event.what, (BrokerLost, BrokerBack))]
    last_observation = broker_events[-1].what if broker_events else None
    if not isinstance(last_observation, BrokerBack) or last_observation.kept is not kept:
        raise ScenarioNotApplicable(
            "the broker was started again, and not as it was to be",
            expected="all that it had" if kept else "nothing of what it had",
            seen=f"{last_observation}",
        )
    return tuple(event.id for event in broker_events)


def _broker_back_after(begun: int) -> Callable[[Sequence[Event]], bool | None]:
    """Return a condition: the broker is back, after the event `begun`."""

    def find(events: Sequence[Event]) -> bool | None:
        observations = (event.what for event in reversed(events) if event.id > begun)
        return True if any(isinstance(data, BrokerBack) for data in observations) else None

    return find


def require_sentinel(context: ScenarioContext) -> None:
    """Raise `ScenarioNotApplicable` if an empty broker can mean a drained or a lost queue."""
    recognised = context.testbed.pattern.capabilities.recognises_lost_queue
    if not recognised and not context.recorder.header.sentinel:
        raise ScenarioNotApplicable(
            f"the scenario {context.scenario.name!r} cannot be played",
            expected="a worker that waits for a marker: --sentinel KEY",
            seen="no such option; to Redis a list that is not there is the same as an empty one",
            todo="let the producer set a key after the last item, and the worker wait for it",
        )


def _wait_until_restarted(context: ScenarioContext, pod: Pod, container: str) -> None:
    """Wait until the broker has a new container, and its pod accepts connections."""
    namespace, name = context.testbed.namespace, context.testbed.pattern.broker_container

    def probe() -> None:
        current = namespace.container_id(pod.name, name)
        if current in ("", container) or not namespace.pod(pod.name).ready:
            raise NotYet(f"container {current or 'none'}")

    timeout = namespace.timeouts.broker_ready
    wait_until("the broker's container to be started again", probe, timeout=timeout, interval=0.2)
