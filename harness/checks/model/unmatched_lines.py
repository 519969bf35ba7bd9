"""Classify lines with phrases for a start or an end that name no enqueued item.

Workers use the same phrases when they start up and shut down. Such a line is about a foreign item
only if it has the form of the worker's other lines, with something else in place of the item.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.checks.model.items import Attempt, Item, WorkerStatement
from harness.history import Payload, Worker

#: Seconds by which the clocks of the tap and the kubelet may differ.
_SKEW = 0.1


class Sorted(NamedTuple):
    """The guesses by kind; all others give no information about an item."""

    #: From a worker without a line about its item, or with a mangled form of an item.
    instead: tuple[WorkerStatement, ...]
    #: In addition to lines about the right item.
    beside: tuple[WorkerStatement, ...]
    #: From a worker that has an item which is not plain text.
    about_odd: tuple[WorkerStatement, ...]


class UnmatchedLines:
    """Knows which items each worker received, and about which of them it wrote a line."""

    def __init__(
        self,
        items: Mapping[Payload, Item],
        said: Mapping[tuple[Payload, Worker], Sequence[WorkerStatement]],
        odd: Mapping[Worker, Sequence[Attempt]],
    ) -> None:
        self._statements, self._odd = said, odd
        self._received: dict[Worker, list[Attempt]] = {}
        for item in items.values():
            for attempt in item.attempts if item.enqueued else ():
                if attempt.worker is not None:
                    self._received.setdefault(attempt.worker, []).append(attempt)
        for attempts in self._received.values():
            attempts.sort(key=lambda entry: entry.delivered.at)

    def sort(self, guesses: Iterable[WorkerStatement]) -> Sorted:
        instead, additional, about_odd = [], [], []
        for line in guesses:
            if line.guess == "odd":
                about_odd += [line] * (line.worker in self._odd)
            elif line.guess == "mangled" or self._last_item_unlogged(line):
                instead.append(line)
            elif line.guess == "alike":
                additional.append(line)
        return Sorted(tuple(instead), tuple(additional), tuple(about_odd))

    def _last_item_unlogged(self, line: WorkerStatement) -> bool:
        """Return whether the worker never wrote a line about the last item that it received."""
        attempts = self._received.get(line.worker, [])
        index = bisect_right(
            attempts, line.ref.at + _SKEW, key=lambda attempt: attempt.delivered.at
        )
        return index > 0 and (attempts[index - 1].item, line.worker) not in self._statements
