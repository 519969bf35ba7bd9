"""What faults have in common after which the broker's container is started again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.core.clock import NotYet, wait_until
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.history import BrokerBack, BrokerLost, Event
from harness.infra.kube import Pod

#: A label that no pod has.
NOBODY = "queuejob-nobody"
#: Where a kubelet keeps a pod's volumes that live as long as it does.
_VOLUME = "/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/{name}"


def kill_broker(stage: ScenarioContext, fault: str, signal: str, *, wipe: bool) -> int:
    """Send a signal to the broker's process, and let nothing be left of its disk where `wipe`.

    Returns the event of its beginning, when workers can reach the broker again: not before it is
    known what it has. Nobody is to run on it after this run: a kubelet makes a container wait that
    has ended more than once.
    """
    station, pattern = stage.testbed, stage.testbed.pattern
    station.dirty = True
    namespace = station.namespace
    pod = namespace.pod(pattern.broker_pod)
    container = namespace.container_id(pod.name, pattern.broker_container)
    told = f"{signal} to the broker's process" + (", and its disk is wiped" if wipe else "")
    kill = f"ctr --namespace k8s.io task kill --signal {signal} {container}"
    volume = _VOLUME.format(uid=pod.uid, name=pattern.broker_volume)
    # Afterwards, so that nothing is written any more, and at once: it is soon started again.
    lose = f" && find {volume} -mindepth 1 -delete" if wipe else ""
    namespace.patch_selector(pattern.service, **{NOBODY: "true"})
    try:
        begun = stage.injected(fault, f"pod {pod.name}: {told}")
        station.provider.on_node(pod.node, "sh", "-c", kill + lose)
        _until_started_again(stage, pod, container)
        station.reconnect_broker()
        back = station.broker.state_after_restart(stage.queue)
        if back is not None:
            stage.recorder.record("broker", BrokerLost(told))
            stage.recorder.record("broker", back)
        stage.wait("the broker to be seen again", _back(begun), namespace.timeouts.broker_ready)
    finally:
        namespace.patch_selector(pattern.service, **{NOBODY: None})
    return begun


def confirm_restart(stage: ScenarioContext, begun: int, *, kept: bool) -> tuple[int, ...]:
    """The events that show that it ended and was there again, with or without what it had.

    Raises `ScenarioNotApplicable` where it came back otherwise.
    """
    events = [event for event in stage.recorder.events if event.id > begun]
    ends = [event for event in events if isinstance(event.what, (BrokerLost, BrokerBack))]
    seen = ends[-1].what if ends else None
    if not isinstance(seen, BrokerBack) or seen.kept is not kept:
        raise ScenarioNotApplicable(
            "the broker was started again, and not as it was to be",
            expected="all that it had" if kept else "nothing of what it had",
            seen=f"{seen}",
        )
    return tuple(event.id for event in ends)


def _back(begun: int) -> Callable[[Sequence[Event]], bool | None]:
    def find(events: Sequence[Event]) -> bool | None:
        later = (event.what for event in reversed(events) if event.id > begun)
        return True if any(isinstance(what, BrokerBack) for what in later) else None

    return find


def require_sentinel(stage: ScenarioContext) -> None:
    """Raise `ScenarioNotApplicable` where an empty broker may be drained, or have lost all."""
    recognised = stage.testbed.pattern.capabilities.recognises_lost_queue
    if not recognised and not stage.recorder.header.sentinel:
        raise ScenarioNotApplicable(
            f"the scenario {stage.scenario.name!r} cannot be played",
            expected="a worker that waits for a marker: --sentinel KEY",
            seen="no such option; to Redis a list that is not there is the same as an empty one",
            todo="let the producer set a key after the last item, and the worker wait for it",
        )


def _until_started_again(stage: ScenarioContext, pod: Pod, container: str) -> None:
    """Wait until the broker's container is another one, and its pod takes connections."""
    namespace, name = stage.testbed.namespace, stage.testbed.pattern.broker_container

    def probe() -> None:
        now = namespace.container_id(pod.name, name)
        if now in ("", container) or not namespace.pod(pod.name).ready:
            raise NotYet(f"container {now or 'none'}")

    timeout = namespace.timeouts.broker_ready
    wait_until("the broker's container to be started again", probe, timeout=timeout, interval=0.2)
