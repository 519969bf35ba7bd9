"""What workers publish elsewhere than into the queue, and what is left of items there (RabbitMQ).

A copy of an item is a dead letter where successes leave none: which places those use, the
fault-free run has shown, or the other items of a run in which one fails.
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
    """A message that a worker published; `item` is the one that it carries, None where unknown."""

    ref: EventRef
    connection: int
    worker: Worker | None
    #: The queue, or "exchange NAME" where it did not name a queue.
    place: str
    item: Payload | None
    #: Whether the queue outlives who declared it; None: nobody was seen to declare it.
    lasting: bool | None


class Copy(msgspec.Struct, frozen=True):
    """A message that carries an item, as the final drain has found it in a queue."""

    ref: EventRef
    item: Payload
    queue: str
    dead_lettered: bool


class PublishedCopies(NamedTuple):
    """All that was seen elsewhere, in the order of its events."""

    published: tuple[Published, ...] = ()
    copies: tuple[Copy, ...] = ()

    def places(self, but: Payload | None = None) -> frozenset[str]:
        """Where there were messages, but not those that carry the item `but`."""
        used = [one.place for one in self.published if but is None or one.item not in (but, None)]
        left = [
            one.queue
            for one in self.copies
            if not one.dead_lettered and (but is None or one.item != but)
        ]
        return frozenset((*used, *left))

    def within(self, attempt: Attempt) -> list[Published]:
        """What the attempt's worker published between its delivery and its end."""
        end = attempt.ended.id if attempt.ended else None
        return [
            one
            for one in self.published
            if (
                one.worker == attempt.worker
                if one.worker and attempt.worker
                else one.connection == attempt.connection
            )
            and one.ref.id > attempt.delivered.id
            and (end is None or one.ref.id < end)
        ]


class PublishedCopyTable:
    """Takes in what was seen elsewhere."""

    def __init__(self) -> None:
        self._published: list[tuple[EventRef, MessagePublished]] = []
        self._copies: list[Copy] = []
        # Any: each handler takes the one kind that stands beside it.
        self.takes: Mapping[type, Callable[[Event, Any], None]] = {
            MessagePublished: self._publish,
            CopyLeft: self._copy,
        }

    def all(self, connections: Mapping[int, Connection]) -> PublishedCopies:
        """With the workers whose messages they are."""
        published = tuple(
            Published(
                at,
                what.connection,
                connections[what.connection].worker if what.connection in connections else None,
                f"exchange {what.exchange}" if what.exchange else what.key,
                what.item,
                what.lasting,
            )
            for at, what in self._published
        )
        return PublishedCopies(published, tuple(self._copies))

    def _publish(self, event: Event, what: MessagePublished) -> None:
        self._published.append((ref(event), what))

    def _copy(self, event: Event, what: CopyLeft) -> None:
        self._copies.append(Copy(ref(event), what.item, what.queue, what.dead_lettered))


def used_by_successes(header: Header, elsewhere: PublishedCopies) -> frozenset[str] | None:
    """Where messages about successes go; None where that is not known."""
    learned = header.figures.published
    if header.failing_item is not None:
        return elsewhere.places(but=header.failing_item).union(learned or ())
    return None if learned is None else frozenset(learned)


def with_copies(
    items: Mapping[Payload, Item], header: Header, elsewhere: PublishedCopies
) -> dict[Payload, Item]:
    """The items, with the dead letters that were found of them as what is left, set aside."""
    successes = used_by_successes(header, elsewhere)
    passing = {one.place for one in elsewhere.published if one.lasting is False}
    found = dict(items)
    for payload in dict.fromkeys(one.item for one in elsewhere.copies):
        if payload not in items:
            continue
        copies = [one for one in elsewhere.copies if one.item == payload]
        moved = [one for one in copies if one.dead_lettered]
        sent = [
            one
            for one in copies
            if not one.dead_lettered
            and successes is not None
            and one.queue not in successes
            and one.queue not in passing
        ]
        # Who sent a copy and never settled the item has not set it aside.
        settled = sum(one.how != "dead" for one in items[payload].settled)
        aside = [*moved, *sent[: max(0, settled - len(moved))]]
        left = tuple(LeftoverItem(one.ref, one.queue, "dead") for one in aside)
        if left:
            item = items[payload]
            found[payload] = msgspec.structs.replace(item, left=(*item.left, *left))
    return found


def with_dead_letters(items: Iterable[Item]) -> dict[Payload, Item]:
    """The items; what was rejected for good and is found set aside was set aside by that."""
    return {item.payload: _with_dead_letters(item) for item in items}


def _with_dead_letters(item: Item) -> Item:
    dead = sum(one.where == "dead" for one in item.left)
    refused = [one for one in item.settled if one.how == "refused"][:dead]
    if not refused:
        return item
    changed = {id(one): msgspec.structs.replace(one, how="dead") for one in refused}

    def meant(one: Settlement) -> Settlement:
        return changed.get(id(one), one)

    def attempt(one: Attempt) -> Attempt:
        if one.settled is None or id(one.settled) not in changed:
            return one
        return msgspec.structs.replace(one, settled=meant(one.settled))

    attempts: Sequence[Attempt] = [attempt(one) for one in item.attempts]
    settled = tuple(meant(one) for one in item.settled)
    return msgspec.structs.replace(item, attempts=tuple(attempts), settled=settled)
