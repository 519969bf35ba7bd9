"""S14: no item comes from nowhere, goes nowhere, or goes with another one that is equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, Item, RunModel, Settlement
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history import Worker
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    if not view.depths:
        yield unknown("nobody looked what the broker still holds")
        return
    whole = 0
    for item in view.sent:
        findings = [*_with_another(view, item)] or [*_account(view, item)]
        whole += not findings
        yield from findings
    if whole:
        what = several(whole, "payload")
        yield passed(f"{what}, each as often settled or left as sent", view.depths[-1].ref.id)


# -- equal items are several ----------------------------------------------------------------------


def _with_another(view: RunModel, item: Item) -> Iterator[Finding]:
    """Equal items of which a worker has settled more than it was given, each for itself."""
    if len(item.enqueued) == 1:
        return
    given, settled = Counter[Worker | None](), Counter[Worker | None]()
    own = [one for one in item.attempts if not _taken_along(view, item, one)]
    acked = [one for one in item.settled if one.how == "acked"]
    steps = [(one.delivered.id, given, one.worker) for one in own]
    steps += [(one.ref.id, settled, one.worker) for one in acked]
    for _, count, worker in sorted(steps, key=lambda one: one[0]):
        count[worker] += 1
        if worker is None or settled[worker] <= given[worker]:
            continue
        evidence = _of(worker, item)
        if given[None]:
            name = shown(item.payload)
            yield unknown(f"nobody knows whose deliveries of {name} some are", *evidence)
            return
        yield failed(
            f"{view.names.short(worker)} was given {shown(item.payload)} {_times(given[worker])}, "
            f"and {_times(settled[worker])} it was settled with that",
            *evidence,
        )
        return


def _taken_along(view: RunModel, item: Item, attempt: Attempt) -> bool:
    """Whether it left the queue in the very moment in which its worker settled an equal one."""
    settled = attempt.settled
    if settled is None or not settled.at_once or attempt.started or attempt.done:
        return False
    if not any(one.started for one in view.attempts):
        return False  # this worker never says what it begins
    others: Iterator[Settlement] = (one for one in item.settled if not one.at_once)
    return any(
        one.worker == attempt.worker and one.effect == attempt.delivered.at for one in others
    )


def _of(worker: Worker, item: Item) -> tuple[int, ...]:
    """What it was given of this payload, what it has settled, and who lost one by that."""
    given = [one.delivered for one in item.attempts if one.worker == worker]
    settled = [one.ref for one in item.settled if one.worker == worker]
    others = [one.delivered for one in item.attempts if one.how == "elsewhere"]
    return evidence_ids(*given, *settled, *others[:1])


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


# -- what was sent is settled or left --------------------------------------------------------------


def _account(view: RunModel, item: Item) -> Iterator[Finding]:
    acked = [one for one in item.settled if one.how == "acked"]
    ready = [one for one in item.left if one.where == "ready"]
    dead = sum(one.where == "dead" for one in item.left)
    # Who is found in the dead-letter place may have come there without a word on the wire.
    others = [one for one in item.settled if one.how != "acked" and not view.had_no_effect(one)]
    aside = max(dead, len(others))
    sent, name = len(item.enqueued), shown(item.payload)
    harm = next((one.ref for one in view.fault_log.injected if one.of_all), None)
    if ready and len(acked) + len(ready) > sent:
        evidence = evidence_ids(item.enqueued[-1], *(one.ref for one in acked), ready[-1].ref, harm)
        told = f"{name} was sent {_times(sent)}, settled {_times(len(acked))}, and is still there"
        yield failed(told, *evidence) if harm is None else unknown(f"{told} after harm", *evidence)
    elif len(acked) + aside + len(item.left) - dead < sent:
        evidence = evidence_ids(item.enqueued[-1], harm, view.depths[-1].ref)
        told = f"{name} is gone from the broker, and nobody has settled it"
        if item.attempts or harm is not None:
            yield unknown(told, *evidence)
        else:
            yield failed(f"{told}: nobody ever had it", *evidence)


INVARIANT = Invariant("S14", "conservation", ("coarse", "fine"), check, level="extended")
