"""Render events as a narrative: one plain sentence for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from harness.checks.model import WorkerNames
from harness.core.text import brief, clean
from harness.history import (
    AskedForItem,
    BrokerBack,
    BrokerDepth,
    BrokerLost,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionRefused,
    ConnectionReleased,
    ContainerExited,
    ContainerSeen,
    CopyLeft,
    Event,
    FaultConfirmed,
    FaultHealed,
    FaultInjected,
    FaultLanded,
    FoundEmpty,
    Gap,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    ItemStarted,
    JobDeleted,
    JobSeen,
    LeaseExpired,
    LogCaughtUp,
    LogEnded,
    LogLine,
    MessagePublished,
    NeighbourSeen,
    NotUnderstood,
    OtherContainerSeen,
    OtherLogLine,
    PodSeen,
    RequestRefused,
    RunEnded,
    WarningSeen,
    WorkDigested,
)
from harness.history.preview import shown

_SETTLED = {
    "acked": "{who} settled {item}",
    "dead": "{item} was set aside by {who}",
    "refused": "{who} rejected {item} for good",
    "expired": "the key in which {item} lay ran out",
}
_EFFECT = {True: "", None: "", False: ", without effect"}
_BACK = {True: "with all that it had", False: "without its data", None: "nobody knows with what"}
_SIGKILLED = 137


class NarrativeLine(NamedTuple):
    """An event as a sentence; `at` is in seconds since the start."""

    at: float
    event: int
    text: str


def narrate(cast: WorkerNames, events: Iterable[Event]) -> list[str]:
    """Render one line for each event, sorted by time (seconds since the start)."""
    lines = render_events(cast, events)
    width = max((len(f"{line.at:.2f}") for line in lines), default=0)
    return [f"{line.at:{width}.2f} s  {line.text}" for line in lines]


def render_events(cast: WorkerNames, events: Iterable[Event]) -> list[NarrativeLine]:
    """Render each event as a `NarrativeLine`, sorted by time; `narrate` formats them."""
    return sorted(NarrativeLine(*_sort_key(event), _render(cast, event)) for event in events)


def _sort_key(event: Event) -> tuple[float, int]:
    at = getattr(event.what, "at", None)
    return (event.time if at is None else at), event.id


def _render(cast: WorkerNames, event: Event) -> str:
    return clean(RENDERERS[type(event.what)](cast, event.what))


def _actor(cast: WorkerNames, connection: int | None) -> str:
    if connection is None:
        return "the broker"
    worker = cast.at(connection)
    return f"connection {connection}, of nobody known," if worker is None else cast.worker(worker)


# -- items -----------------------------------------------------------------------------------------


def _enqueued(cast: WorkerNames, what: ItemEnqueued) -> str:
    sender = "" if what.connection is None else f" by {_actor(cast, what.connection)}"
    return f"{shown(what.item)} was put into {what.queue}{sender}"


def _delivered(cast: WorkerNames, what: ItemDelivered) -> str:
    for_good = ", and forgotten by the broker" if what.final else ""
    again = " again" if what.redelivered else ""
    return f"{_actor(cast, what.connection)} was given {shown(what.item)}{again}{for_good}"


def _settled(cast: WorkerNames, what: ItemSettled) -> str:
    text = _SETTLED[what.how].format(who=_actor(cast, what.connection), item=shown(what.item))
    return text + _EFFECT[what.effective]


def _published(cast: WorkerNames, what: MessagePublished) -> str:
    destination = what.exchange and f"the exchange {what.exchange} as {what.key}"
    content = "" if what.item is None else f" that carries {shown(what.item)}"
    return (
        f"{_actor(cast, what.connection)} published a message{content} to {destination or what.key}"
    )


def _asked(cast: WorkerNames, what: AskedForItem) -> str:
    if what.room == 0:
        return f"{_actor(cast, what.connection)} wants no more items"
    return f"{_actor(cast, what.connection)} asked for an item"


def _depth(_: WorkerNames, what: BrokerDepth) -> str:
    parts = [f"{what.ready} ready"]
    if what.leased is not None:
        parts.append(f"{what.leased} leased")
    if what.unacked is not None:
        parts.append(f"{what.unacked} unacknowledged")
    return f"the broker held in {what.queue}: {', '.join(parts)}"


# -- the cluster -----------------------------------------------------------------------------------


def _pod(_: WorkerNames, what: PodSeen) -> str:
    leaving = " and about to be deleted" if what.deleting else ""
    change = "seen" if what.change == "modified" else what.change
    reason = f": {what.why}" if what.why else ""
    return f"pod {what.name} was {change}, {what.phase}{leaving}{reason}"


def _container(cast: WorkerNames, what: ContainerSeen) -> str:
    name = cast.worker(what.worker)
    if what.state != "terminated":
        return f"{name} was {what.state}{f', {what.reason}' if what.reason else ''}"
    if what.exit_code is None:
        return f"{name} ended"
    killed = " (killed)" if what.exit_code == _SIGKILLED or what.signal == 9 else ""
    reason = f", {what.reason}" if what.reason not in ("", "Completed", "Error") else ""
    return f"{name} ended with exit code {what.exit_code}{killed}{reason}"


def _other_container(cast: WorkerNames, what: OtherContainerSeen) -> str:
    name = f"container {what.container} of pod {cast.pods.get(what.pod, what.pod)}"
    reason = f", {what.reason}" if what.reason not in ("", "Completed", "Error") else ""
    if what.state == "terminated" and what.exit_code is not None:
        return f"{name} ended with exit code {what.exit_code}{reason}"
    return f"{name} was {what.state}{reason}"


def _job(_: WorkerNames, what: JobSeen) -> str:
    descriptions = [
        f"{condition.type} ({condition.reason}: {condition.message})"
        if condition.message
        else condition.type
        for condition in what.conditions
        if condition.status == "True"
    ]
    counts = f"{what.active} active, {what.succeeded} succeeded, {what.failed} failed"
    return f"the Job was {', '.join(descriptions) or 'running'}: {counts}"


def _deleted(_: WorkerNames, what: JobDeleted) -> str:
    remaining = ", ".join((*what.objects, *(what.keys or ())))
    return f"the Job was deleted, and of it was left: {remaining or 'nothing'}"


def _log(cast: WorkerNames, what: LogLine) -> str:
    return f"{cast.worker(what.worker)} wrote: {shown(what.text, 200)}"


def _log_ended(cast: WorkerNames, what: LogEnded) -> str:
    sentence = f"the log of {cast.worker(what.worker)} was over"
    return sentence if what.whole else f"{sentence}, and is not whole: {what.why}"


# -- faults ----------------------------------------------------------------------------------------


def _injected(_: WorkerNames, what: FaultInjected) -> str:
    return f"fault {what.fault}: {what.to}"


#: The renderer of each kind of event. Any: each renderer takes the one kind in the same row.
RENDERERS: dict[type, Callable[[WorkerNames, Any], str]] = {
    ItemEnqueued: _enqueued,
    AskedForItem: _asked,
    FoundEmpty: lambda cast, what: (
        f"{_actor(cast, what.connection)} was told that there is nothing"
    ),
    ItemDelivered: _delivered,
    ItemLeased: lambda cast, what: (
        f"{_actor(cast, what.connection)} had a lease on {shown(what.item)}"
    ),
    LeaseExpired: lambda _, what: f"the lease on {shown(what.item)} was over",
    ItemStarted: lambda cast, what: f"{cast.worker(what.worker)} said it begins {shown(what.item)}",
    ItemDone: lambda cast, what: f"{cast.worker(what.worker)} said it is done: {shown(what.item)}",
    WorkDigested: lambda cast, what: (
        f"{cast.worker(what.worker)} said it works on bytes with the sha256 {what.sha256[:12]}"
    ),
    ItemSettled: _settled,
    ItemReturned: lambda cast, what: (
        f"{_actor(cast, what.connection)} gave {shown(what.item)} back"
    ),
    ItemReclaimed: lambda cast, what: (
        f"{_actor(cast, what.connection)} took {shown(what.item)} over"
    ),
    ConnectionOpened: lambda cast, what: f"{_actor(cast, what.connection)} connected",
    ConnectionRefused: lambda _, what: f"{what.address} could not connect: {what.why}",
    ConnectionOwner: lambda cast, what: (
        f"connection {what.connection} was seen to be that of {cast.worker(what.worker)}"
    ),
    ConnectionHeld: lambda cast, what: f"{_actor(cast, what.connection)} was held {what.point}",
    ConnectionReleased: lambda cast, what: f"{_actor(cast, what.connection)} was let go",
    ConnectionCut: lambda cast, what: f"{_actor(cast, what.connection)} was cut off",
    ConnectionClosed: lambda cast, what: f"{_actor(cast, what.connection)} was disconnected",
    RequestRefused: lambda cast, what: (
        f"the broker refused {what.method or 'something'} to {_actor(cast, what.connection)}: "
        f"{what.why}"
    ),
    NotUnderstood: lambda cast, what: (
        f"{_actor(cast, what.connection)} was not understood: {what.why}"
    ),
    BrokerLost: lambda _, what: f"the broker ended: {what.why}",
    BrokerBack: lambda _, what: f"the broker was back, {_BACK[what.kept]}",
    BrokerDepth: _depth,
    MessagePublished: _published,
    CopyLeft: lambda _, what: f"a copy of {shown(what.item)} was left in {what.queue}",
    ItemLeft: lambda _, what: f"{shown(what.item)} was left in {what.queue}, {what.where}",
    PodSeen: _pod,
    NeighbourSeen: lambda _, what: f"pod {what.name} of another Job was at {what.address}",
    ContainerSeen: _container,
    ContainerExited: lambda cast, what: f"{cast.worker(what.worker)} exited",
    OtherContainerSeen: _other_container,
    OtherLogLine: lambda cast, what: (
        f"container {what.container} of pod {cast.pods.get(what.pod, what.pod)} wrote: "
        f"{shown(what.text, 200)}"
    ),
    WarningSeen: lambda _, what: (
        f"the cluster warned about {what.about}: {what.reason}: {what.why}"
    ),
    JobSeen: _job,
    JobDeleted: _deleted,
    LogLine: _log,
    LogCaughtUp: lambda cast, what: f"{cast.worker(what.worker)} had written no more until then",
    LogEnded: _log_ended,
    FaultInjected: _injected,
    FaultConfirmed: lambda _, what: f"fault {what.fault} was seen to land",
    FaultLanded: lambda cast, what: f"{cast.worker(what.worker)} does nothing more: {what.fault}",
    FaultHealed: lambda _, what: f"fault {what.fault} was over",
    Gap: lambda _, what: f"{what.of} missed something: {what.why}",
    RunEnded: lambda _, what: f"the run was over{f': {brief(what.why)}' if what.why else ''}",
}
