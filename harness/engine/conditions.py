"""Conditions on the events of a run in progress; a scenario waits until one holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from harness.history import (
    AskedForItem,
    ConnectionClosed,
    ConnectionCut,
    ConnectionHeld,
    ConnectionOpened,
    ConnectionOwner,
    ConnectionReleased,
    ContainerSeen,
    Event,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    ItemStarted,
    JobSeen,
    LogEnded,
    MessagePublished,
    Observation,
    Payload,
    PodSeen,
    RequestRefused,
    Worker,
)

W = TypeVar("W")
Find = Callable[[Sequence[Event]], "Event | None"]


def latest(test: Callable[[Observation], bool]) -> Find:
    """Find the newest event whose observation `test` accepts."""

    def find(events: Sequence[Event]) -> Event | None:
        return next((event for event in reversed(events) if test(event.what)), None)

    return find


def exit_of(worker: Worker) -> Find:
    """Find the exit of a worker."""
    return latest(
        lambda observation: (
            isinstance(observation, ContainerSeen)
            and observation.worker == worker
            and observation.state == "terminated"
        )
    )


def running() -> Find:
    """Find a container that has started."""
    return latest(
        lambda observation: (
            isinstance(observation, ContainerSeen) and observation.state != "waiting"
        )
    )


def at_work(events: Sequence[Event]) -> set[Worker]:
    """Return the workers whose containers run."""
    states = {
        event.what.worker: event.what.state
        for event in events
        if isinstance(event.what, ContainerSeen)
    }
    return {worker for worker, state in states.items() if state == "running"}


def any_worker_exited() -> Find:
    """Find the exit of any worker, with any exit code."""
    return latest(
        lambda observation: (
            isinstance(observation, ContainerSeen) and observation.state == "terminated"
        )
    )


def worker_succeeded() -> Find:
    """Find a worker that exited with 0."""
    return latest(
        lambda observation: isinstance(observation, ContainerSeen) and observation.exit_code == 0
    )


def pod_gone(pod: str) -> Find:
    """Find the deletion of a pod, by its uid."""
    return latest(
        lambda observation: (
            isinstance(observation, PodSeen)
            and observation.pod == pod
            and observation.change == "deleted"
        )
    )


def logs_ended(pod: str) -> Find:
    """Find the end of the logs of all container runs in a pod, by its uid.

    From then on its processes are gone.
    """

    def find(events: Sequence[Event]) -> Event | None:
        seen, log_ends = set(), {}
        for event in events:
            observation = event.what
            if isinstance(observation, ContainerSeen) and observation.worker.pod == pod:
                seen.add(observation.worker)
            elif isinstance(observation, LogEnded) and observation.worker.pod == pod:
                log_ends[observation.worker] = event
        return None if seen - log_ends.keys() else max(log_ends.values(), default=None, key=_by_id)

    return find


def _by_id(event: Event) -> int:
    return event.id


def pod_terminating(pod: str) -> Find:
    """Find a pod, by its uid, whose deletion has been requested."""
    return latest(
        lambda observation: (
            isinstance(observation, PodSeen) and observation.pod == pod and observation.deleting
        )
    )


def cut_off_after(event_id: int, address: str) -> Find:
    """Find evidence that an address is cut off: a connection cut or held after an event.

    Some workers open a connection for each command, and have none that could be cut.
    """

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address)
        for event in reversed(events):
            if event.id <= event_id:
                return None
            if isinstance(event.what, ConnectionCut):
                return event
            if isinstance(event.what, ConnectionHeld) and event.what.connection in connections:
                return event
        return None

    return find


def open_of(address: str) -> Callable[[Sequence[Event]], list[ConnectionOpened] | None]:
    """Return the open connections from an address, or None where there are none."""

    def find(events: Sequence[Event]) -> list[ConnectionOpened] | None:
        open_connections: dict[int, ConnectionOpened] = {}
        for event in events:
            if isinstance(event.what, ConnectionOpened) and event.what.address == address:
                open_connections[event.what.connection] = event.what
            elif isinstance(event.what, ConnectionClosed):
                open_connections.pop(event.what.connection, None)
        return list(open_connections.values()) or None

    return find


def ended(event: Event) -> Worker | None:
    """Return the worker whose exit an event shows."""
    observation = event.what
    if isinstance(observation, ContainerSeen) and observation.state == "terminated":
        return observation.worker
    return None


def address_of(events: Sequence[Event], connection: int) -> str:
    """Return the address from which a connection came; empty where that is not known."""
    for event in events:
        if isinstance(event.what, ConnectionOpened) and event.what.connection == connection:
            return event.what.address
    return ""


def is_ready(events: Sequence[Event]) -> bool:
    """Return whether the queue has an item for a worker that asks."""
    ready: dict[Payload, int] = {}
    for event in events:
        observation = event.what
        if isinstance(observation, (ItemEnqueued, ItemReturned, ItemReclaimed)):
            ready[observation.item] = ready.get(observation.item, 0) + 1
        elif isinstance(observation, (ItemDelivered, ItemSettled)):
            was_ready = isinstance(observation, ItemDelivered) or ready.get(observation.item, 0) > 0
            ready[observation.item] = max(0, ready.get(observation.item, 0) - was_ready)
    return any(ready.values())


def leased_until(events: Sequence[Event], address: str) -> float | None:
    """Return the end of the last lease of the worker at an address, as far as it was seen."""
    connections, until = connections_of(events, address), None
    for event in events:
        observation = event.what
        if (
            isinstance(observation, (ItemDelivered, ItemLeased))
            and observation.connection in connections
        ):
            until = observation.until
    return until


def without_work(events: Sequence[Event], address: str, worker: Worker) -> float | None:
    """Return since when a worker is idle; None while it has an item, or is not connected yet.

    `address` is its pod's; the runs of its container follow each other.
    """
    connections = connections_of(events, address)
    held_items, since = set[Payload](), None
    for event in events:
        observation = event.what
        if isinstance(observation, ConnectionOpened) and observation.address == address:
            since = event.time if since is None and not held_items else since
        elif isinstance(observation, ItemDelivered):
            if observation.connection in connections:
                held_items.add(observation.item)
                since = None
            elif observation.item in held_items:  # another worker has it now
                held_items.discard(observation.item)
                since = since if held_items else event.time
        elif (
            isinstance(observation, (ItemSettled, ItemReturned, ItemReclaimed))
            and observation.item in held_items
        ):
            held_items.discard(observation.item)
            since = since if held_items else event.time
        elif (exited := ended(event)) is not None and exited != worker and exited.pod == worker.pod:
            held_items.clear()
            since = None
    return since


def noticed_cut_after(event_id: int, worker: Worker, address: str) -> Find:
    """Find a new connection of a worker, or its exit, later than an event."""

    def find(events: Sequence[Event]) -> Event | None:
        worker_exit = exit_of(worker)(events)
        if worker_exit is not None and worker_exit.id > event_id:
            return worker_exit
        find_connection = latest(
            lambda observation: (
                isinstance(observation, ConnectionOpened) and observation.address == address
            )
        )
        opened = find_connection(events)
        return opened if opened is not None and opened.id > event_id else None

    return find


def printed_since(moment: float, address: str) -> Find:
    """Find a request, delivery or settlement at an address, at the moment `moment` or later."""

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address)
        for event in events:
            observation = event.what
            if not isinstance(observation, (AskedForItem, ItemDelivered, ItemSettled)):
                continue
            if (
                observation.connection in connections
                and observation.at is not None
                and observation.at >= moment
            ):
                return event
        return None

    return find


def settled(connection: int) -> Find:
    """Find an item that was settled on this connection."""
    return latest(
        lambda observation: (
            isinstance(observation, ItemSettled) and observation.connection == connection
        )
    )


def progress() -> Find:
    """Find an item that was delivered or settled."""
    return latest(lambda observation: isinstance(observation, (ItemDelivered, ItemSettled)))


def job_at(parallelism: int) -> Find:
    """Find the Job after its `parallelism` was changed to this value."""
    return latest(
        lambda observation: (
            isinstance(observation, JobSeen) and observation.parallelism == parallelism
        )
    )


def started_or_held_again(worker: Worker, connection: int, address: str) -> Find:
    """Find the start line of a worker that was resumed, or the moment when it is held again.

    It may be held on another connection from its address: some workers open one for each command.
    """

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address) | {connection}
        deliveries = [entry.what for entry in events if isinstance(entry.what, ItemDelivered)]
        items = {entry.item for entry in deliveries if entry.connection in connections}
        # A greeting resembles a start line; how a worker prints a binary item is not known.
        plain = bool(items) and all(isinstance(entry, str) for entry in items)
        held_again: Event | None = None
        released = False
        for event in reversed(events):
            observation = event.what
            if isinstance(observation, ItemStarted) and observation.worker == worker:
                if released and plain and observation.item not in items:
                    continue
                return event  # the log may arrive before the release is recorded
            if isinstance(observation, ConnectionReleased) and observation.connection == connection:
                released = True
            elif isinstance(observation, ConnectionHeld) and observation.connection in connections:
                if released and observation.connection == connection:
                    return held_again  # the hold that the release ended
                held_again = held_again if released else event
                if not released and observation.connection != connection:
                    return event
        return held_again if released else None

    return find


def connections_of(events: Sequence[Event], address: str) -> set[int]:
    """Return all connections that came from an address."""
    return {
        event.what.connection
        for event in events
        if isinstance(event.what, ConnectionOpened) and event.what.address == address
    }


def another_connects(address: str) -> Callable[[Sequence[Event]], ConnectionOpened | None]:
    """Return the first connection from any other address."""

    def find(events: Sequence[Event]) -> ConnectionOpened | None:
        opened = (entry.what for entry in events if isinstance(entry.what, ConnectionOpened))
        return next((entry for entry in opened if entry.address != address), None)

    return find


def last_delivery_to(address: str) -> Find:
    """Find the last item that was delivered to the worker at an address."""

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address)
        find_delivery = latest(
            lambda observation: (
                isinstance(observation, ItemDelivered) and observation.connection in connections
            )
        )
        return find_delivery(events)

    return find


def delivered_to_other(item: Payload, address: str, after: int) -> Find:
    """Find the delivery of an item to any other address, later than the event `after`."""

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address)
        for event in events:
            observation = event.what
            if (
                event.id <= after
                or not isinstance(observation, ItemDelivered)
                or observation.item != item
            ):
                continue
            if observation.connection not in connections:
                return event
        return None

    return find


def starts(worker: Worker, item: Payload) -> Find:
    """Find the start line of a worker for an item."""
    return latest(
        lambda observation: (
            isinstance(observation, ItemStarted)
            and (observation.worker, observation.item) == (worker, item)
        )
    )


def starts_again(worker: Worker, before: int) -> Find:
    """Find a start line of a worker after the first `before` events."""

    def find(events: Sequence[Event]) -> Event | None:
        for event in events[before:]:
            if isinstance(event.what, ItemStarted) and event.what.worker == worker:
                return event
        return None

    return find


def finished(worker: Worker) -> Find:
    """Find an end line of a worker."""
    return latest(
        lambda observation: isinstance(observation, ItemDone) and observation.worker == worker
    )


def all_settled(items: Iterable[Payload], but: int) -> Find:
    """Find the settlement after which all of the items, less `but`, are settled."""
    wanted = set(items)

    def find(events: Sequence[Event]) -> Event | None:
        done: dict[Payload, Event] = {}
        for event in events:
            if isinstance(event.what, ItemSettled) and event.what.effective is not False:
                done.setdefault(event.what.item, event)
        if len(done.keys() & wanted) < len(wanted) - but:
            return None
        return max(done.values(), key=lambda event: event.id, default=None)

    return find


def delivery_elsewhere(address: str, after: int) -> Find:
    """Find the delivery of any item to another address, later than the event `after`."""

    def find(events: Sequence[Event]) -> Event | None:
        connections = connections_of(events, address)
        for event in events:
            observation = event.what
            if event.id <= after or not isinstance(observation, ItemDelivered):
                continue
            if observation.connection not in connections:
                return event
        return None

    return find


def another_asks(connection: int) -> Find:
    """Find a request for an item on another connection."""
    return latest(
        lambda observation: (
            isinstance(observation, AskedForItem) and observation.connection != connection
        )
    )


#: Seconds after a refusal in which workers may still find another way to their work.
_ANOTHER_WAY = 15.0


def refused_requests(events: Sequence[Event], now: float) -> RequestRefused | None:
    """Return the refusal of the broker because of which workers cannot begin, or None.

    Some workers ask for what they do not need. So a refusal counts only if the broker delivered
    nothing, and two workers failed since or `_ANOTHER_WAY` seconds passed.
    """
    first: Event | None = None
    last: RequestRefused | None = None
    failed = 0
    for event in events:
        observation = event.what
        if isinstance(observation, ItemDelivered):
            return None
        if isinstance(observation, RequestRefused):
            first, last = first or event, observation
        elif isinstance(observation, ContainerSeen) and first is not None:
            failed += observation.state == "terminated" and observation.exit_code != 0
    if first is None or last is None:
        return None
    return last if failed > 1 or now - first.time > _ANOTHER_WAY else None


def owners(events: Sequence[Event]) -> dict[int, Worker]:
    """Return the owner of each connection, as far as it is known."""
    return {
        event.what.connection: event.what.worker
        for event in events
        if isinstance(event.what, ConnectionOwner)
    }


def end_of_attempt(item: Payload, *, one_each: bool) -> Find:
    """Find the end of the first attempt on an item: its worker exits, or goes on with others.

    `one_each`: a worker takes one item; an item that it was handed in addition was no attempt.
    """

    def find(events: Sequence[Event]) -> Event | None:
        owner_of = owners(events)
        with_item: set[Worker | None] = set()
        after_settling: set[Worker | None] = set()
        with_others: set[Worker | None] = set()
        for event in events:
            observation = event.what
            if isinstance(observation, ItemStarted) and observation.item == item:
                with_others.discard(observation.worker)
            elif isinstance(observation, ContainerSeen):
                if observation.state == "terminated" and observation.worker in with_item - (
                    with_others if one_each else set()
                ):
                    return event
            elif isinstance(observation, (ItemDelivered, AskedForItem, ItemSettled)):
                worker = owner_of.get(observation.connection or 0)
                same_item = not isinstance(observation, AskedForItem) and observation.item == item
                if isinstance(observation, ItemSettled):
                    (after_settling if same_item else with_others).add(worker)
                elif same_item:
                    with_item.add(worker)
                elif worker in after_settling and not _withdraws_request(observation):
                    return event
        return None

    return find


def outcome_of_item(item: Payload, attempts: int, *, one_each: bool) -> Find:
    """Find the event that shows what becomes of an item on which the work fails.

    That needs another item to be settled. Then either the failing item is settled and the worker
    that did so exits or goes on; or `attempts` attempts on it are over. A copy that waits in a
    queue from which it comes back is neither.
    """
    find_end = end_of_attempt(item, one_each=one_each)

    def find(events: Sequence[Event]) -> Event | None:
        deliveries = settlements = copies = 0
        other_settled, waiting = False, False
        for event in events:
            observation = event.what
            if isinstance(observation, ItemSettled) and observation.effective is not False:
                settlements += observation.item == item
                other_settled = other_settled or observation.item != item
            elif isinstance(observation, ItemDelivered) and observation.item == item:
                deliveries += 1
            elif isinstance(observation, ItemEnqueued) and observation.item == item:
                copies, waiting = copies + 1, False
            elif isinstance(observation, MessagePublished) and observation.item == item:
                waiting = observation.waiting
        if not other_settled or not deliveries:
            return None
        if deliveries > attempts:
            return events[-1]
        since_delivery = _from_last_delivery(events, item)
        if deliveries < attempts and (settlements < copies or waiting):
            return None
        return find_end(since_delivery)

    return find


def _from_last_delivery(events: Sequence[Event], item: Payload) -> Sequence[Event]:
    """Return the owners of all connections, then all events since an item's last delivery."""
    start = next(
        index
        for index in range(len(events) - 1, -1, -1)
        if isinstance(observation := events[index].what, ItemDelivered) and observation.item == item
    )
    owner_events = [event for event in events[:start] if isinstance(event.what, ConnectionOwner)]
    return [*owner_events, *events[start:]]


def _withdraws_request(what: Observation) -> bool:
    return isinstance(what, AskedForItem) and what.room == 0
