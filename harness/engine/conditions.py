"""Looks at the events of a run that goes on: each makes a condition that can be waited for."""

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
    """The newest event that `test` fits."""

    def find(events: Sequence[Event]) -> Event | None:
        return next((event for event in reversed(events) if test(event.what)), None)

    return find


def exit_of(worker: Worker) -> Find:
    """How a worker has ended."""
    return latest(
        lambda what: (
            isinstance(what, ContainerSeen) and what.worker == worker and what.state == "terminated"
        )
    )


def running() -> Find:
    """A worker that runs."""
    return latest(lambda what: isinstance(what, ContainerSeen) and what.state != "waiting")


def at_work(events: Sequence[Event]) -> set[Worker]:
    """The workers whose containers run."""
    states = {
        event.what.worker: event.what.state
        for event in events
        if isinstance(event.what, ContainerSeen)
    }
    return {worker for worker, state in states.items() if state == "running"}


def any_worker_exited() -> Find:
    """A worker that has ended, however."""
    return latest(lambda what: isinstance(what, ContainerSeen) and what.state == "terminated")


def worker_succeeded() -> Find:
    """A worker that has ended with exit code 0."""
    return latest(lambda what: isinstance(what, ContainerSeen) and what.exit_code == 0)


def pod_gone(pod: str) -> Find:
    """The end of a pod, by its uid."""
    return latest(
        lambda what: isinstance(what, PodSeen) and what.pod == pod and what.change == "deleted"
    )


def logs_ended(pod: str) -> Find:
    """The end of the logs of all runs in a pod, by its uid: its processes are no more."""

    def find(events: Sequence[Event]) -> Event | None:
        there, over = set(), {}
        for event in events:
            what = event.what
            if isinstance(what, ContainerSeen) and what.worker.pod == pod:
                there.add(what.worker)
            elif isinstance(what, LogEnded) and what.worker.pod == pod:
                over[what.worker] = event
        return None if there - over.keys() else max(over.values(), default=None, key=_by_id)

    return find


def _by_id(event: Event) -> int:
    return event.id


def pod_terminating(pod: str) -> Find:
    """A pod, by its uid, that has been asked to end."""
    return latest(lambda what: isinstance(what, PodSeen) and what.pod == pod and what.deleting)


def cut_off_after(event_id: int, address: str) -> Find:
    """What shows, later than that event, that nobody at an address is heard: cut, or held.

    Some take a connection for each command, and have none that could be cut.
    """

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address)
        for event in reversed(events):
            if event.id <= event_id:
                return None
            if isinstance(event.what, ConnectionCut):
                return event
            if isinstance(event.what, ConnectionHeld) and event.what.connection in its:
                return event
        return None

    return find


def open_of(address: str) -> Callable[[Sequence[Event]], list[ConnectionOpened] | None]:
    """The connections from an address that are open, where there are any."""

    def find(events: Sequence[Event]) -> list[ConnectionOpened] | None:
        found: dict[int, ConnectionOpened] = {}
        for event in events:
            if isinstance(event.what, ConnectionOpened) and event.what.address == address:
                found[event.what.connection] = event.what
            elif isinstance(event.what, ConnectionClosed):
                found.pop(event.what.connection, None)
        return list(found.values()) or None

    return find


def ended(event: Event) -> Worker | None:
    """The worker whose end an event shows."""
    what = event.what
    if isinstance(what, ContainerSeen) and what.state == "terminated":
        return what.worker
    return None


def address_of(events: Sequence[Event], connection: int) -> str:
    """Whence a connection came; empty where that is not known."""
    for event in events:
        if isinstance(event.what, ConnectionOpened) and event.what.connection == connection:
            return event.what.address
    return ""


def is_ready(events: Sequence[Event]) -> bool:
    """Whether some item is there for whoever asks."""
    there: dict[Payload, int] = {}
    for event in events:
        what = event.what
        if isinstance(what, (ItemEnqueued, ItemReturned, ItemReclaimed)):
            there[what.item] = there.get(what.item, 0) + 1
        elif isinstance(what, (ItemDelivered, ItemSettled)):
            taken = isinstance(what, ItemDelivered) or there.get(what.item, 0) > 0
            there[what.item] = max(0, there.get(what.item, 0) - taken)
    return any(there.values())


def leased_until(events: Sequence[Event], address: str) -> float | None:
    """The end of the last lease that whoever is at an address had, as far as it was told."""
    its, until = connections_of(events, address), None
    for event in events:
        what = event.what
        if isinstance(what, (ItemDelivered, ItemLeased)) and what.connection in its:
            until = what.until
    return until


def without_work(events: Sequence[Event], address: str, worker: Worker) -> float | None:
    """Since when a worker has had nothing to do; None while it has an item, or has not come.

    `address` is its pod's; the runs of its container come after each other.
    """
    its = connections_of(events, address)
    has, since = set[Payload](), None
    for event in events:
        what = event.what
        if isinstance(what, ConnectionOpened) and what.address == address:
            since = event.time if since is None and not has else since
        elif isinstance(what, ItemDelivered):
            if what.connection in its:
                has.add(what.item)
                since = None
            elif what.item in has:  # another has it now
                has.discard(what.item)
                since = since if has else event.time
        elif isinstance(what, (ItemSettled, ItemReturned, ItemReclaimed)) and what.item in has:
            has.discard(what.item)
            since = since if has else event.time
        elif (over := ended(event)) is not None and over != worker and over.pod == worker.pod:
            has.clear()
            since = None
    return since


def noticed_after(event_id: int, worker: Worker, address: str) -> Find:
    """A worker connects anew, or has ended, later than that event."""

    def find(events: Sequence[Event]) -> Event | None:
        over = exit_of(worker)(events)
        if over is not None and over.id > event_id:
            return over
        anew = latest(lambda what: isinstance(what, ConnectionOpened) and what.address == address)
        found = anew(events)
        return found if found is not None and found.id > event_id else None

    return find


def said_since(moment: float, address: str) -> Find:
    """What means something and came to or from an address at that moment of the run, or later."""

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address)
        for event in events:
            what = event.what
            if not isinstance(what, (AskedForItem, ItemDelivered, ItemSettled)):
                continue
            if what.connection in its and what.at is not None and what.at >= moment:
                return event
        return None

    return find


def settled(connection: int) -> Find:
    """An item that was settled on this connection."""
    return latest(lambda what: isinstance(what, ItemSettled) and what.connection == connection)


def progress() -> Find:
    """An item that was given to somebody, or settled."""
    return latest(lambda what: isinstance(what, (ItemDelivered, ItemSettled)))


def job_at(parallelism: int) -> Find:
    """The Job, changed to let so many pods run at once."""
    return latest(lambda what: isinstance(what, JobSeen) and what.parallelism == parallelism)


def started_or_held_again(worker: Worker, connection: int, address: str) -> Find:
    """A worker that was let go on a connection says that it has begun, or is held once more.

    That may be on another connection from its address: some take one for each command.
    """

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address) | {connection}
        given = [one.what for one in events if isinstance(one.what, ItemDelivered)]
        items = {one.item for one in given if one.connection in its}
        # A greeting before looks like a beginning, too; how an odd item is printed nobody knows.
        plain = bool(items) and all(isinstance(one, str) for one in items)
        again: Event | None = None
        let_go = False
        for event in reversed(events):
            what = event.what
            if isinstance(what, ItemStarted) and what.worker == worker:
                if let_go and plain and what.item not in items:
                    continue
                return event  # logs come their own way: perhaps before it is told to be let go
            if isinstance(what, ConnectionReleased) and what.connection == connection:
                let_go = True
            elif isinstance(what, ConnectionHeld) and what.connection in its:
                if let_go and what.connection == connection:
                    return again  # this is what it was let go from
                again = again if let_go else event
                if not let_go and what.connection != connection:
                    return event
        return again if let_go else None

    return find


def connections_of(events: Sequence[Event], address: str) -> set[int]:
    """All connections that came from an address."""
    return {
        event.what.connection
        for event in events
        if isinstance(event.what, ConnectionOpened) and event.what.address == address
    }


def another_connects(address: str) -> Callable[[Sequence[Event]], ConnectionOpened | None]:
    """The first connection from anywhere else."""

    def find(events: Sequence[Event]) -> ConnectionOpened | None:
        opened = (one.what for one in events if isinstance(one.what, ConnectionOpened))
        return next((one for one in opened if one.address != address), None)

    return find


def last_delivery_to(address: str) -> Find:
    """The last item that whoever is at an address was given."""

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address)
        given = latest(lambda what: isinstance(what, ItemDelivered) and what.connection in its)
        return given(events)

    return find


def delivered_to_other(item: Payload, address: str, after: int) -> Find:
    """An item was given to somebody at another address, later than the event `after`."""

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address)
        for event in events:
            what = event.what
            if event.id <= after or not isinstance(what, ItemDelivered) or what.item != item:
                continue
            if what.connection not in its:
                return event
        return None

    return find


def starts(worker: Worker, item: Payload) -> Find:
    """A worker says that it begins an item."""
    return latest(
        lambda what: isinstance(what, ItemStarted) and (what.worker, what.item) == (worker, item)
    )


def starts_anew(worker: Worker, before: int) -> Find:
    """A worker says that it begins an item, after so many events."""

    def find(events: Sequence[Event]) -> Event | None:
        for event in events[before:]:
            if isinstance(event.what, ItemStarted) and event.what.worker == worker:
                return event
        return None

    return find


def finished(worker: Worker) -> Find:
    """A worker says that it has finished an item."""
    return latest(lambda what: isinstance(what, ItemDone) and what.worker == worker)


def all_settled(items: Iterable[Payload], but: int) -> Find:
    """So many of the items, less `but`, have been settled; the last of these events."""
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
    """An item that somebody at another address got, later than the event `after`."""

    def find(events: Sequence[Event]) -> Event | None:
        its = connections_of(events, address)
        for event in events:
            what = event.what
            if event.id <= after or not isinstance(what, ItemDelivered):
                continue
            if what.connection not in its:
                return event
        return None

    return find


def another_asks(connection: int) -> Find:
    """Somebody else wants an item."""
    return latest(lambda what: isinstance(what, AskedForItem) and what.connection != connection)


#: Seconds after a refusal in which workers may yet find another way to their work.
_ANOTHER_WAY = 15.0


def turned_down(events: Sequence[Event], now: float) -> RequestRefused | None:
    """What the broker has refused so that workers cannot begin; None while they may yet.

    Some ask for what they need not have: a refusal counts when nothing was given to anybody, and
    two workers have failed since, or some seconds are over.
    """
    first: Event | None = None
    last: RequestRefused | None = None
    failed = 0
    for event in events:
        what = event.what
        if isinstance(what, ItemDelivered):
            return None
        if isinstance(what, RequestRefused):
            first, last = first or event, what
        elif isinstance(what, ContainerSeen) and first is not None:
            failed += what.state == "terminated" and what.exit_code != 0
    if first is None or last is None:
        return None
    return last if failed > 1 or now - first.time > _ANOTHER_WAY else None


def owners(events: Sequence[Event]) -> dict[int, Worker]:
    """Whose the connections are, as far as is known."""
    return {
        event.what.connection: event.what.worker
        for event in events
        if isinstance(event.what, ConnectionOwner)
    }


def end_of_attempt(item: Payload, *, one_each: bool) -> Find:
    """What came of the first attempt on an item: its worker has ended, or goes on with others.

    `one_each`: a worker takes one item, and what it was handed beside it was no attempt.
    """

    def find(events: Sequence[Event]) -> Event | None:
        whose = owners(events)
        given: set[Worker | None] = set()
        settled: set[Worker | None] = set()
        others: set[Worker | None] = set()
        for event in events:
            what = event.what
            if isinstance(what, ItemStarted) and what.item == item:
                others.discard(what.worker)
            elif isinstance(what, ContainerSeen):
                if what.state == "terminated" and what.worker in given - (
                    others if one_each else set()
                ):
                    return event
            elif isinstance(what, (ItemDelivered, AskedForItem, ItemSettled)):
                worker = whose.get(what.connection or 0)
                mine = not isinstance(what, AskedForItem) and what.item == item
                if isinstance(what, ItemSettled):
                    (settled if mine else others).add(worker)
                elif mine:
                    given.add(worker)
                elif worker in settled and not _takes_back(what):
                    return event
        return None

    return find


def fate(item: Payload, attempts: int, *, one_each: bool) -> Find:
    """What shows what becomes of an item on which the work fails, once another one was settled.

    It is settled, and whoever did that has ended or goes on; or so many attempts on it are over. A
    copy that waits in a queue from which it comes back is neither.
    """
    over = end_of_attempt(item, one_each=one_each)

    def find(events: Sequence[Event]) -> Event | None:
        given = settled = sent = 0
        another, waits = False, False
        for event in events:
            what = event.what
            if isinstance(what, ItemSettled) and what.effective is not False:
                settled += what.item == item
                another = another or what.item != item
            elif isinstance(what, ItemDelivered) and what.item == item:
                given += 1
            elif isinstance(what, ItemEnqueued) and what.item == item:
                sent, waits = sent + 1, False
            elif isinstance(what, MessagePublished) and what.item == item:
                waits = what.waiting
        if not another or not given:
            return None
        if given > attempts:
            return events[-1]
        last = _from_last_delivery(events, item)
        if given < attempts and (settled < sent or waits):
            return None
        return over(last)

    return find


def _from_last_delivery(events: Sequence[Event], item: Payload) -> Sequence[Event]:
    """The owners of all connections, and all since the item was given out last."""
    place = next(
        index
        for index in range(len(events) - 1, -1, -1)
        if isinstance(what := events[index].what, ItemDelivered) and what.item == item
    )
    known = [one for one in events[:place] if isinstance(one.what, ConnectionOwner)]
    return [*known, *events[place:]]


def _takes_back(what: Observation) -> bool:
    return isinstance(what, AskedForItem) and what.room == 0
