"""L4: an item that kills its workers is tried a few times, then set aside; others are done."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, Item, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown

#: One death may be chance.
_TWICE = 2


def check(view: RunModel) -> Iterator[Finding]:
    most, found = view.header.max_attempts, False
    rest = any(item.unsettled for item in view.sent)
    for item in view.sent:
        deaths = [one for one in item.attempts if _died(view, one)]
        if len(deaths) >= min(_TWICE, most):
            found = True
            yield _judge(view, item, deaths, rest=rest)
    if not found:
        yield unknown("no item has taken the lives of its workers")


def _died(view: RunModel, attempt: Attempt) -> bool:
    """Whether the worker ended with the item in its hands, and not as it should."""
    life = view.life(attempt.worker)
    if life is None or life.end is None or life.gone_from is None or life.success:
        return False
    if attempt.settled is not None or attempt.how == "returned":
        return False
    return attempt.ended is None or attempt.ended.at >= life.gone_from


def _judge(view: RunModel, item: Item, deaths: list[Attempt], *, rest: bool) -> Finding:
    """`rest`: something is not settled."""
    most = view.header.max_attempts
    name, died = shown(item.payload), several(len(deaths), "worker")
    evidence = [one.delivered for one in deaths]
    if len(deaths) >= most:
        last = deaths[most - 1].delivered
        again = next((one for one in item.attempts if one.delivered.id > last.id), None)
        # Who sends it anew makes the queue forget how often it was tried.
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
                f"{name} was tried once more after {several(most, 'worker')} had died of it",
                *evidence_ids(*evidence[:most], *item.enqueued[1:2], again.delivered),
            )
    aside = [one.ref for one in item.settled if one.how == "dead"]
    aside += [one.ref for one in item.left if one.where == "dead"]
    if not aside:
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
        *evidence_ids(*evidence, *aside[:1]),
    )


def _copies(item: Item) -> int:
    """How many of it were sent before anybody had one: each may be tried as often as is allowed."""
    first = item.attempts[0].delivered
    return sum(one.id < first.id for one in item.enqueued)


INVARIANT = Invariant("L4", "bounded poison", ("coarse", "fine"), check, level="extended")
