"""Which attempt a worker's line is about: what it says that it begins, or has finished."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.checks.model.event_ref import ref
from harness.checks.model.items import Attempt, Item, WorkerStatement
from harness.checks.model.unmatched_lines import UnmatchedLines
from harness.history import Event, ItemDone, ItemStarted, Payload, Worker
from harness.history.log_phrases import plain

#: Seconds by which the clocks of tap and kubelet may differ.
_SKEW = 0.1

_Said = dict[tuple[Payload, Worker], list[WorkerStatement]]


class MatchedStatements(NamedTuple):
    """The items, their attempts with what was said about them, and the lines that fit nowhere."""

    items: dict[Payload, Item]
    #: About what was never enqueued, by the owner's pattern or in place of the item at hand.
    strays: tuple[WorkerStatement, ...]
    #: About what may be an item that was never enqueued: only built-in words say so.
    doubtful: tuple[WorkerStatement, ...]
    #: About an item that this worker was not seen to be given.
    unmatched: tuple[WorkerStatement, ...]


def attribute(items: Mapping[Payload, Item], events: Iterable[Event]) -> MatchedStatements:
    """Tell the lines to the attempts that they are about.

    Of an item that is not plain text nobody knows how it is printed: a line about an unknown item
    is taken to be about the one of that kind that its worker had then.
    """
    odd = _odd(items)
    said: _Said = {}
    strays: list[WorkerStatement] = []
    guesses: list[WorkerStatement] = []
    for event in events:
        what = event.what
        if not isinstance(what, (ItemStarted, ItemDone)):
            continue
        done = isinstance(what, ItemDone)
        line = WorkerStatement(ref(event), what.item, what.worker, done, what.guess)
        item: Payload | None = line.item
        if line.item not in items or not items[line.item].enqueued:
            if line.guess:
                guesses.append(line)
                continue
            item = _meant(odd.get(line.worker, []), line)
        if item is None:
            strays.append(line)
        else:
            said.setdefault((item, line.worker), []).append(line)
    guessed = UnmatchedLines(items, said, odd).sort(guesses)
    for line in guessed.about_odd:
        item = _meant(odd[line.worker], line)
        if item is not None:
            said.setdefault((item, line.worker), []).append(line)
    strays = sorted([*strays, *guessed.instead], key=lambda one: one.ref.id)
    told = dict(items)
    for payload in dict.fromkeys(payload for payload, _ in said):
        told[payload] = _with_lines(items[payload], said)
    unmatched = tuple(line for lines in said.values() for line in lines)
    return MatchedStatements(told, tuple(strays), guessed.beside, unmatched)


def _odd(items: Mapping[Payload, Item]) -> dict[Worker, list[Attempt]]:
    found: dict[Worker, list[Attempt]] = {}
    for item in items.values():
        if item.enqueued and not plain(item.payload):
            for attempt in item.attempts:
                if attempt.worker is not None:
                    found.setdefault(attempt.worker, []).append(attempt)
    for attempts in found.values():
        attempts.sort(key=lambda one: one.delivered.at)
    return found


def _meant(attempts: Sequence[Attempt], line: WorkerStatement) -> Payload | None:
    """The odd item that this worker was given last before it wrote the line."""
    place = bisect_right(attempts, line.ref.at + _SKEW, key=lambda one: one.delivered.at)
    return attempts[place - 1].item if place else None


def _begun(attempts: Sequence[Attempt], indices: Sequence[int], place: int) -> int:
    """Which of a worker's equal ones has ended: one that was begun, if the latest was not.

    Its log may lag behind what it says to its broker, which gives it the next one meanwhile.
    """
    if attempts[indices[place]].started is None:
        for earlier in range(place - 1, -1, -1):
            attempt = attempts[indices[earlier]]
            if attempt.started is not None and attempt.done is None:
                return earlier
    return place


def _with_lines(item: Item, said: _Said) -> Item:
    """The item, its attempts with their lines; those lines are no longer in `said` then."""
    attempts = list(item.attempts)
    by_worker: dict[Worker, list[int]] = {}
    for index, attempt in enumerate(attempts):
        if attempt.worker is not None:
            by_worker.setdefault(attempt.worker, []).append(index)
    for worker, indices in by_worker.items():
        delivered = [attempts[index].delivered.at for index in indices]
        for line in said.pop((item.payload, worker), ()):
            place = max(0, bisect_right(delivered, line.ref.at + _SKEW) - 1)
            # Where the clocks leave it open, it is about the one before, if that has none yet.
            if place and delivered[place] > line.ref.at:
                before = attempts[indices[place - 1]]
                place -= (before.done if line.done else before.started) is None
            place = _begun(attempts, indices, place) if line.done else place
            index = indices[place]
            attempt = attempts[index]
            if line.done and attempt.done is None:
                attempts[index] = msgspec.structs.replace(attempt, done=line.ref)
            elif not line.done and attempt.started is None:
                attempts[index] = msgspec.structs.replace(attempt, started=line.ref)
    return msgspec.structs.replace(item, attempts=tuple(attempts))
