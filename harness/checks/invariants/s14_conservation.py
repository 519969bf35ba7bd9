"""S14: no item appears from nowhere, vanishes, or is settled together with an equal item."""

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
    complete = 0
    for item in view.sent:
        findings = [*_settled_with_equal(view, item)] or [*_account(view, item)]
        complete += not findings
        yield from findings
    if complete:
        payloads = several(complete, "payload")
        yield passed(f"{payloads}, each as often settled or left as sent", view.depths[-1].ref.id)


# -- equal items count separately -----------------------------------------------------------------


def _settled_with_equal(view: RunModel, item: Item) -> Iterator[Finding]:
    """Report a worker that settled more copies of equal items than it was given."""
    if len(item.enqueued) == 1:
        return
    given, settled = Counter[Worker | None](), Counter[Worker | None]()
    own = [attempt for attempt in item.attempts if not _removed_with_equal(view, item, attempt)]
    acked = [settlement for settlement in item.settled if settlement.how == "acked"]
    steps = [(attempt.delivered.id, given, attempt.worker) for attempt in own]
    steps += [(settlement.ref.id, settled, settlement.worker) for settlement in acked]
    for _, count, worker in sorted(steps, key=lambda step: step[0]):
        count[worker] += 1
        if worker is None or settled[worker] <= given[worker]:
            continue
        evidence = _evidence(worker, item)
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


def _removed_with_equal(view: RunModel, item: Item, attempt: Attempt) -> bool:
    """Return whether it left the queue at the moment when its worker settled an equal item."""
    settled = attempt.settled
    if settled is None or not settled.at_once or attempt.started or attempt.done:
        return False
    if not any(other.started for other in view.attempts):
        return False  # this worker never logs what it begins
    others: Iterator[Settlement] = (
        settlement for settlement in item.settled if not settlement.at_once
    )
    return any(
        settlement.worker == attempt.worker and settlement.effect == attempt.delivered.at
        for settlement in others
    )


def _evidence(worker: Worker, item: Item) -> tuple[int, ...]:
    """Return the worker's deliveries and settlements of this payload, and one lost delivery."""
    delivered = [attempt.delivered for attempt in item.attempts if attempt.worker == worker]
    settled = [settlement.ref for settlement in item.settled if settlement.worker == worker]
    lost = [attempt.delivered for attempt in item.attempts if attempt.how == "elsewhere"]
    return evidence_ids(*delivered, *settled, *lost[:1])


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


# -- sent items are settled or still there ---------------------------------------------------------


def _account(view: RunModel, item: Item) -> Iterator[Finding]:
    acked = [settlement for settlement in item.settled if settlement.how == "acked"]
    ready = [leftover for leftover in item.left if leftover.where == "ready"]
    dead = sum(leftover.where == "dead" for leftover in item.left)
    # An item may reach the dead-letter location without any traffic on the wire.
    not_acked = [
        settlement
        for settlement in item.settled
        if settlement.how != "acked" and not view.had_no_effect(settlement)
    ]
    set_aside = max(dead, len(not_acked))
    sent, name = len(item.enqueued), shown(item.payload)
    fault_event = next((fault.ref for fault in view.fault_log.injected if fault.of_all), None)
    if ready and len(acked) + len(ready) > sent:
        evidence = evidence_ids(
            item.enqueued[-1], *(settlement.ref for settlement in acked), ready[-1].ref, fault_event
        )
        reason = f"{name} was sent {_times(sent)}, settled {_times(len(acked))}, and is still there"
        yield (
            failed(reason, *evidence)
            if fault_event is None
            else unknown(f"{reason} after harm", *evidence)
        )
    elif len(acked) + set_aside + len(item.left) - dead < sent:
        evidence = evidence_ids(item.enqueued[-1], fault_event, view.depths[-1].ref)
        reason = f"{name} is gone from the broker, and nobody has settled it"
        if item.attempts or fault_event is not None:
            yield unknown(reason, *evidence)
        else:
            yield failed(f"{reason}: nobody ever had it", *evidence)


INVARIANT = Invariant("S14", "conservation", ("coarse", "fine"), check, level="extended")
