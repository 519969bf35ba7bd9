"""Messages that workers publish outside the queue, and copies left there (RabbitMQ).

A copy of an item counts as a dead letter if it lies in a place where successful items leave none.
The fault-free run shows which places those use; if one item fails in a run, its other items show
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from harness.checks.model.connections import Connection
from harness.checks.model.event_ref import EventRef, ref
from harness.checks.model.items import Attempt, Item, LeftoverItem, Settlement
from harness.history import CopyLeft, Event, Header, MessagePublished, Payload, Worker


class Published(msgspec.Struct, frozen=True):
    """A message that a worker published; `item` is the item that it carries, None if unknown."""

    ref: EventRef
    connection: int
    worker: Worker | None
    #: The queue, or "exchange NAME" if the message did not name a queue.
    place: str
    item: Payload | None
    #: Whether the queue outlives its declaring client; None: no declaration was seen.
    lasting: bool | None


class Copy(msgspec.Struct, frozen=True):
    """A message that carries an item, found in a queue by the final drain."""

    ref: EventRef
    item: Payload
    queue: str
    dead_lettered: bool


class PublishedCopies(NamedTuple):
    """All messages seen outside the queue, in the order of their events."""

    published: tuple[Published, ...] = ()
    copies: tuple[Copy, ...] = ()

    def places(self, but: Payload | None = None) -> frozenset[str]:
        """Return where messages were, except those that carry the item `but`."""
        used = [
            message.place
            for message in self.published
            if but is None or message.item not in (but, None)
        ]
        left_in = [
            message.queue
            for message in self.copies
            if not message.dead_lettered and (but is None or message.item != but)
        ]
        return frozenset((*used, *left_in))

    def within(self, attempt: Attempt) -> list[Published]:
        """Return what the attempt's worker published between its delivery and its end."""
        end = attempt.ended.id if attempt.ended else None
        return [
            message
            for message in self.published
            if (
                message.worker == attempt.worker
                if message.worker and attempt.worker
                else message.connection == attempt.connection
            )
            and message.ref.id > attempt.delivered.id
            and (end is None or message.ref.id < end)
        ]


class PublishedCopyTable:
    """Collects the messages seen outside the queue."""

    def __init__(self) -> None:
        self._published: list[tuple[EventRef, MessagePublished]] = []
        self._copies: list[Copy] = []
        # Any: each handler takes the one type in the same row.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            MessagePublished: self._publish,
            CopyLeft: self._copy,
        }

    def all(self, connections: Mapping[int, Connection]) -> PublishedCopies:
        """Return all messages together with the workers that published them."""
        published = tuple(
            Published(
                event_ref,
                message.connection,
                connections[message.connection].worker
                if message.connection in connections
                else None,
                f"exchange {message.exchange}" if message.exchange else message.key,
                message.item,
                message.lasting,
            )
            for event_ref, message in self._published
        )
        return PublishedCopies(published, tuple(self._copies))

    def _publish(self, event: Event, what: MessagePublished) -> None:
        self._published.append((ref(event), what))

    def _copy(self, event: Event, what: CopyLeft) -> None:
        self._copies.append(Copy(ref(event), what.item, what.queue, what.dead_lettered))


def used_by_successes(header: Header, elsewhere: PublishedCopies) -> frozenset[str] | None:
    """Return where messages about successes go; None if unknown."""
    learned = header.figures.published
    if header.failing_item is not None:
        return elsewhere.places(but=header.failing_item).union(learned or ())
    return None if learned is None else frozenset(learned)


def with_copies(
    items: Mapping[Payload, Item], header: Header, elsewhere: PublishedCopies
) -> dict[Payload, Item]:
    """Return the items, each with its dead letters added to its leftovers."""
    successes = used_by_successes(header, elsewhere)
    temporary = {entry.place for entry in elsewhere.published if entry.lasting is False}
    updated = dict(items)
    for payload in dict.fromkeys(entry.item for entry in elsewhere.copies):
        if payload not in items:
            continue
        copies = [entry for entry in elsewhere.copies if entry.item == payload]
        moved = [entry for entry in copies if entry.dead_lettered]
        sent = [
            entry
            for entry in copies
            if not entry.dead_lettered
            and successes is not None
            and entry.queue not in successes
            and entry.queue not in temporary
        ]
        # A worker that sent a copy but never settled the item did not dead-letter it.
        settled = sum(entry.how != "dead" for entry in items[payload].settled)
        dead_letters = [*moved, *sent[: max(0, settled - len(moved))]]
        leftovers = tuple(LeftoverItem(entry.ref, entry.queue, "dead") for entry in dead_letters)
        if leftovers:
            item = items[payload]
            updated[payload] = msgspec.structs.replace(item, left=(*item.left, *leftovers))
    return updated


def with_dead_letters(items: Iterable[Item]) -> dict[Payload, Item]:
    """Return the items; a rejected item that the drain found dead-lettered counts as that."""
    return {item.payload: _with_dead_letters(item) for item in items}


def _with_dead_letters(item: Item) -> Item:
    dead_count = sum(entry.where == "dead" for entry in item.left)
    refused = [entry for entry in item.settled if entry.how == "refused"][:dead_count]
    if not refused:
        return item
    changed = {id(entry): msgspec.structs.replace(entry, how="dead") for entry in refused}

    def updated_settlement(entry: Settlement) -> Settlement:
        return changed.get(id(entry), entry)

    def updated_attempt(entry: Attempt) -> Attempt:
        if entry.settled is None or id(entry.settled) not in changed:
            return entry
        return msgspec.structs.replace(entry, settled=updated_settlement(entry.settled))

    attempts: Sequence[Attempt] = [updated_attempt(entry) for entry in item.attempts]
    settled = tuple(updated_settlement(entry) for entry in item.settled)
    return msgspec.structs.replace(item, attempts=tuple(attempts), settled=settled)
