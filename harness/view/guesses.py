"""Lines in the words of a beginning or an end that name no item which was sent: what are they?

Workers greet and take their leave in the same words ("Done with all of it"). Such a line speaks
of a foreign item only if it has the form of the worker's other lines, with one token where they
have the item.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.history import Payload, Worker
from harness.loglines import first_token, form_of
from harness.view.items import Attempt, Item, Line

#: Seconds by which the clocks of tap and kubelet may differ.
_SKEW = 0.1
#: A part of an item that is shorter than this may be anything.
_PART = 3
#: Tokens that stand where an item could, and are none.
# fmt: off
_NO_ITEMS = frozenset([
    "it", "all", "everything", "nothing", "this", "that", "them", "one", "now", "here",
    "again", "work", "working", "job", "jobs", "queue", "item", "items", "task", "tasks",
    "message", "messages", "loop", "run", "batch", "processing", "waiting", "up", "for", "on",
    "with", "the", "in", "as", "successfully", "cleanly", "normally", "ok", "success",
    "shutdown", "shutting", "worker", "consumer",
])
# fmt: on


class Sorted(NamedTuple):
    """Guesses, by what they are; all others say nothing about an item."""

    #: Of a worker that says nothing of the item it was given, or a mangled form of that item.
    instead: tuple[Line, ...]
    #: Beside lines about the right one.
    beside: tuple[Line, ...]
    #: Of a worker that has an item which is no plain text.
    about_odd: tuple[Line, ...]


class Guesses:
    """Knows the forms of the lines in which this run's workers name their items."""

    def __init__(
        self,
        items: Mapping[Payload, Item],
        said: Mapping[tuple[Payload, Worker], Sequence[Line]],
        odd: Mapping[Worker, Sequence[Attempt]],
    ) -> None:
        self._said, self._odd = said, odd
        self._forms = {
            (line.done, *form_of(line.form))
            for lines in said.values()
            for line in lines
            if line.form is not None
        }
        self._common = _common(items)
        self._given: dict[Worker, list[Attempt]] = {}
        for item in items.values():
            for attempt in item.attempts if item.enqueued else ():
                if attempt.worker is not None:
                    self._given.setdefault(attempt.worker, []).append(attempt)
        for attempts in self._given.values():
            attempts.sort(key=lambda one: one.delivered.at)

    def sort(self, guesses: Iterable[Line]) -> Sorted:
        instead, beside, odd = [], [], []
        for line in guesses:
            if line.worker in self._odd:
                odd += [line] * self._in_form(line)
            elif token := self._token(line):
                told = msgspec.structs.replace(line, item=token)
                had = self._had(line)
                if any(_mangled(token, item) for item in had) or self._unnamed(line, had):
                    instead.append(told)
                elif self._common <= _classes(token):
                    beside.append(told)
        return Sorted(tuple(instead), tuple(beside), tuple(odd))

    def _in_form(self, line: Line) -> bool:
        """Whether it begins as lines about items do; where none does, nobody can tell."""
        known = {before for done, before, _ in self._forms if done == line.done}
        return not known or line.form in known

    def _token(self, line: Line) -> str:
        """What stands where the worker's other lines have an item; empty where nothing does."""
        token, rest = first_token(line.item) if isinstance(line.item, str) else ("", "")
        fits = (line.done, line.form or "", rest) in self._forms
        return token if fits and token.lower() not in _NO_ITEMS else ""

    def _had(self, line: Line) -> list[Payload]:
        """The items that the worker had been given, the last one first."""
        attempts = self._given.get(line.worker, [])
        place = bisect_right(attempts, line.mark.at + _SKEW, key=lambda one: one.delivered.at)
        return [one.item for one in reversed(attempts[:place])]

    def _unnamed(self, line: Line, had: Sequence[Payload]) -> bool:
        """Whether the worker never says a word about the last item that it was given."""
        return bool(had) and (had[0], line.worker) not in self._said


def _mangled(token: str, item: Payload) -> bool:
    """Whether it is the item, cut or changed."""
    if not isinstance(item, str) or len(token) < _PART:
        return False
    return token in item or item in token or token.lower() == item.lower()


def _classes(text: str) -> frozenset[str]:
    """Of which kinds its characters are: letters and digits each are of one kind."""
    return frozenset("a" if one.isalpha() else "0" if one.isdigit() else one for one in text)


def _common(items: Mapping[Payload, Item]) -> frozenset[str]:
    """The kinds of characters that all items have."""
    sent = [one.payload for one in items.values() if one.enqueued]
    kinds = [_classes(one) for one in sent if isinstance(one, str)]
    return frozenset.intersection(*kinds) if kinds else frozenset()
