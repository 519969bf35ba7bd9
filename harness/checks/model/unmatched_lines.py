"""Lines in the words of a beginning or an end that name no item which was sent: what are they?

Workers greet and take their leave in the same words. Such a line speaks of a foreign item only if
it has the form of the worker's other lines, with something else where they have the item.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.checks.model.items import Attempt, Item, WorkerStatement
from harness.history import Payload, Worker

#: Seconds by which the clocks of tap and kubelet may differ.
_SKEW = 0.1


class Sorted(NamedTuple):
    """Guesses, by what they are; all others say nothing about an item."""

    #: Of a worker that says nothing of the item it was given, or a mangled form of an item.
    instead: tuple[WorkerStatement, ...]
    #: Beside lines about the right one.
    beside: tuple[WorkerStatement, ...]
    #: Of a worker that has an item which is no plain text.
    about_odd: tuple[WorkerStatement, ...]


class UnmatchedLines:
    """Knows which items a worker had been given, and of which it has said a word."""

    def __init__(
        self,
        items: Mapping[Payload, Item],
        said: Mapping[tuple[Payload, Worker], Sequence[WorkerStatement]],
        odd: Mapping[Worker, Sequence[Attempt]],
    ) -> None:
        self._said, self._odd = said, odd
        self._given: dict[Worker, list[Attempt]] = {}
        for item in items.values():
            for attempt in item.attempts if item.enqueued else ():
                if attempt.worker is not None:
                    self._given.setdefault(attempt.worker, []).append(attempt)
        for attempts in self._given.values():
            attempts.sort(key=lambda one: one.delivered.at)

    def sort(self, guesses: Iterable[WorkerStatement]) -> Sorted:
        instead, beside, odd = [], [], []
        for line in guesses:
            if line.guess == "odd":
                odd += [line] * (line.worker in self._odd)
            elif line.guess == "mangled" or self._unnamed(line):
                instead.append(line)
            elif line.guess == "alike":
                beside.append(line)
        return Sorted(tuple(instead), tuple(beside), tuple(odd))

    def _unnamed(self, line: WorkerStatement) -> bool:
        """Whether the worker never says a word about the last item that it was given."""
        attempts = self._given.get(line.worker, [])
        place = bisect_right(attempts, line.ref.at + _SKEW, key=lambda one: one.delivered.at)
        return place > 0 and (attempts[place - 1].item, line.worker) not in self._said
