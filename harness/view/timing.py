"""Whether an item was settled after the work on it, as far as the worker's words tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from harness.view.items import Attempt, Settlement
from harness.view.marks import Mark

#: `after` the work, `early`, or too close to tell.
Order = Literal["after", "early", "unclear"]

#: Seconds by which the kubelet may be late with a line.
_LATE = 0.25
#: Seconds that a line must be late, at least, for the settlement to have been early.
_EARLY = 0.5


def order(attempt: Attempt, work: float | None) -> Order | None:
    """How settlement and work of an attempt follow each other; None where nothing tells.

    `work` is how long this worker takes for an item, in seconds, where that is known.
    """
    settled, done = attempt.settled, attempt.done
    if settled is None:
        return None
    if attempt.started and attempt.started.at - settled.effect > _EARLY:
        return "early"
    if done is None:
        return None
    if settled.hold is not None and settled.mark.at == settled.effect:
        return None  # it was said some time in the hold, nobody knows when
    before = settled.mark.at - attempt.delivered.at
    at_word = _judge(before, done.at - settled.mark.at)
    if settled.hold is None or at_word == "after":
        return at_word
    return _held(settled, done, before, at_word, work)


def _held(
    settled: Settlement, done: Mark, before: float, at_word: Order, work: float | None
) -> Order | None:
    """The settlement was held: was the worker at work meanwhile, or did it wait for the answer?"""
    if done.at < settled.effect:
        return at_word
    at_effect = _judge(before, done.at - settled.effect)
    if at_effect == at_word:
        return at_word
    return at_effect if work is not None and before >= work / 2 else None


def _judge(before: float, gap: float) -> Order:
    """From the delivery to the settlement, and from there to the worker's "done"."""
    if gap <= max(before / 2, _LATE):
        return "after"
    return "early" if gap > before and gap > _EARLY else "unclear"


def most(orders: Iterable[Order]) -> Order | None:
    """What a worker does as a rule; None where nothing was told."""
    told = list(orders)
    if not told:
        return None
    if told.count("early") > len(told) / 2:
        return "early"
    # A single line that the kubelet was late with says nothing about the worker.
    few = told.count("unclear") <= len(told) / 4
    return "after" if few and "early" not in told else "unclear"
