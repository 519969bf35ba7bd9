"""Attribute the lines of a worker to attempts: which attempt it begins, or has finished."""

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

#: Seconds by which the clocks of the tap and the kubelet may differ.
_SKEW = 0.1

_Statements = dict[tuple[Payload, Worker], list[WorkerStatement]]


class MatchedStatements(NamedTuple):
    """The items, their attempts with their log lines, and the lines that fit no attempt."""

    items: dict[Payload, Item]
    #: About an item that was never enqueued, by the owner's pattern or in place of the current
    #: item.
    strays: tuple[WorkerStatement, ...]
    #: Perhaps about an item that was never enqueued: only built-in phrases match.
    doubtful: tuple[WorkerStatement, ...]
    #: About an item of which no delivery to this worker was seen.
    unmatched: tuple[WorkerStatement, ...]


def attribute(items: Mapping[Payload, Item], events: Iterable[Event]) -> MatchedStatements:
    """Attribute the lines to the attempts that they are about.

    The printed form of an item that is not plain text is unknown. So a line about an unknown item
    is attributed to the item of that kind that its worker had at that time.
    """
    odd_attempts = _odd_attempts(items)
    statements: _Statements = {}
    strays: list[WorkerStatement] = []
    guessed_lines: list[WorkerStatement] = []
    for event in events:
        observation = event.what
        if not isinstance(observation, (ItemStarted, ItemDone)):
            continue
        done = isinstance(observation, ItemDone)
        line = WorkerStatement(
            ref(event), observation.item, observation.worker, done, observation.guess
        )
        item: Payload | None = line.item
        if line.item not in items or not items[line.item].enqueued:
            if line.guess:
                guessed_lines.append(line)
                continue
            item = _odd_item(odd_attempts.get(line.worker, []), line)
        if item is None:
            strays.append(line)
        else:
            statements.setdefault((item, line.worker), []).append(line)
    sorted_guesses = UnmatchedLines(items, statements, odd_attempts).sort(guessed_lines)
    for line in sorted_guesses.about_odd:
        item = _odd_item(odd_attempts[line.worker], line)
        if item is not None:
            statements.setdefault((item, line.worker), []).append(line)
    strays = sorted([*strays, *sorted_guesses.instead], key=lambda stray: stray.ref.id)
    updated = dict(items)
    for payload in dict.fromkeys(payload for payload, _ in statements):
        updated[payload] = _with_lines(items[payload], statements)
    unmatched = tuple(line for lines in statements.values() for line in lines)
    return MatchedStatements(updated, tuple(strays), sorted_guesses.beside, unmatched)


def _odd_attempts(items: Mapping[Payload, Item]) -> dict[Worker, list[Attempt]]:
    by_worker: dict[Worker, list[Attempt]] = {}
    for item in items.values():
        if item.enqueued and not plain(item.payload):
            for attempt in item.attempts:
                if attempt.worker is not None:
                    by_worker.setdefault(attempt.worker, []).append(attempt)
    for attempts in by_worker.values():
        attempts.sort(key=lambda entry: entry.delivered.at)
    return by_worker


def _odd_item(attempts: Sequence[Attempt], line: WorkerStatement) -> Payload | None:
    """Return the non-plain item that this worker received last before it wrote the line."""
    index = bisect_right(attempts, line.ref.at + _SKEW, key=lambda attempt: attempt.delivered.at)
    return attempts[index - 1].item if index else None


def _ended_attempt(attempts: Sequence[Attempt], indices: Sequence[int], place: int) -> int:
    """Return which of a worker's equal attempts has ended.

    It is an earlier one that was begun, if the latest was not. The log may lag behind the broker
    connection, over which the worker already gets its next item.
    """
    if attempts[indices[place]].started is None:
        for earlier in range(place - 1, -1, -1):
            attempt = attempts[indices[earlier]]
            if attempt.started is not None and attempt.done is None:
                return earlier
    return place


def _with_lines(item: Item, said: _Statements) -> Item:
    """Return the item with its lines added to its attempts; remove these lines from `said`."""
    attempts = list(item.attempts)
    by_worker: dict[Worker, list[int]] = {}
    for index, attempt in enumerate(attempts):
        if attempt.worker is not None:
            by_worker.setdefault(attempt.worker, []).append(index)
    for worker, indices in by_worker.items():
        delivered = [attempts[index].delivered.at for index in indices]
        for line in said.pop((item.payload, worker), ()):
            position = max(0, bisect_right(delivered, line.ref.at + _SKEW) - 1)
            # Within the clock skew it may be about the previous attempt, if that has no such line
            # yet.
            if position and delivered[position] > line.ref.at:
                previous = attempts[indices[position - 1]]
                position -= (previous.done if line.done else previous.started) is None
            position = _ended_attempt(attempts, indices, position) if line.done else position
            index = indices[position]
            attempt = attempts[index]
            if line.done and attempt.done is None:
                attempts[index] = msgspec.structs.replace(attempt, done=line.ref)
            elif not line.done and attempt.started is None:
                attempts[index] = msgspec.structs.replace(attempt, started=line.ref)
    return msgspec.structs.replace(item, attempts=tuple(attempts))
