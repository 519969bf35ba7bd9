"""L4: an item that kills its workers is set aside after a few tries; the others are done."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, Item, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown

#: A single death may be chance.
_TWICE = 2


def check(view: RunModel) -> Iterator[Finding]:
    limit, reported = view.header.max_attempts, False
    rest = any(item.unsettled for item in view.sent)
    for item in view.sent:
        deaths = [attempt for attempt in item.attempts if _died(view, attempt)]
        if len(deaths) >= min(_TWICE, limit):
            reported = True
            yield _judge(view, item, deaths, rest=rest)
    if not reported:
        yield unknown("no item has taken the lives of its workers")


def _died(view: RunModel, attempt: Attempt) -> bool:
    """Return whether the worker failed while it held the item."""
    life = view.life(attempt.worker)
    if life is None or life.end is None or life.gone_from is None or life.success:
        return False
    if attempt.settled is not None or attempt.how == "returned":
        return False
    return attempt.ended is None or attempt.ended.at >= life.gone_from


def _judge(view: RunModel, item: Item, deaths: list[Attempt], *, rest: bool) -> Finding:
    """Judge an item with deaths; `rest`: at least one item of the run is not settled."""
    limit = view.header.max_attempts
    name, died = shown(item.payload), several(len(deaths), "worker")
    evidence = [attempt.delivered for attempt in deaths]
    if len(deaths) >= limit:
        last = deaths[limit - 1].delivered
        again = next((attempt for attempt in item.attempts if attempt.delivered.id > last.id), None)
        # A worker that enqueues the item again resets the attempt count of the queue.
        if again is not None and view.coarse and len(item.enqueued) == 1:
            return unknown(
                f"{name} has taken the lives of {died}, and a queue that counts no attempts "
                "gives it out again and again",
                *evidence_ids(*evidence, again.delivered),
            )
        if again is not None and _copies(item) > 1:
            return unknown(
                f"{died} had died of items equal to {name}, and nobody can say how many of each",
                *evidence_ids(*evidence, again.delivered),
            )
        if again is not None:
            return failed(
                f"{name} was tried once more after {several(limit, 'worker')} had died of it",
                *evidence_ids(*evidence[:limit], *item.enqueued[1:2], again.delivered),
            )
    set_aside = [settlement.ref for settlement in item.settled if settlement.how == "dead"]
    set_aside += [leftover.ref for leftover in item.left if leftover.where == "dead"]
    if not set_aside:
        return unknown(
            f"{name} has taken the lives of {died}, and was not set aside yet",
            *evidence_ids(*evidence),
        )
    if rest:
        return unknown(
            f"{name} was set aside, and not all of the rest is done", *evidence_ids(*evidence)
        )
    return passed(
        f"{name} was set aside after {died} had died of it, and the rest is done",
        *evidence_ids(*evidence, *set_aside[:1]),
    )


def _copies(item: Item) -> int:
    """Return how many copies were sent before the first delivery; each has its own attempts."""
    first = item.attempts[0].delivered
    return sum(event.id < first.id for event in item.enqueued)


INVARIANT = Invariant("L4", "bounded poison", ("coarse", "fine"), check, level="extended")
