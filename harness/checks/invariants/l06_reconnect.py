"""L6: when the broker is reachable again, the work continues in time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history import CUT_OFF, HALF_OPEN, RESTARTED

#: Faults that a worker survives. HALF_OPEN is healed once the worker had time to notice it.
_OUT_OF_REACH = (CUT_OFF, HALF_OPEN, RESTARTED)


def check(view: RunModel) -> Iterator[Finding]:
    cuts = [fault for fault in view.fault_log.injected if fault.fault in _OUT_OF_REACH]
    if not cuts:
        yield unknown("no worker was cut off from its broker")
        return
    back = view.fault_log.healed.get(cuts[-1].fault)
    if back is None:
        yield unknown("the broker could not be reached again", cuts[-1].ref.id)
        return
    if not _work_left(view, back):
        yield unknown("nothing was left to do when the broker could be reached again", back.id)
        return
    yield _judge(view, cuts[-1].ref, back)


def _work_left(view: RunModel, back: EventRef) -> bool:
    return any(
        item.unsettled or any(settlement.effect > back.at for settlement in item.settled)
        for item in view.sent
    )


def _judge(view: RunModel, cut: EventRef, back: EventRef) -> Finding:
    # A worker may continue, or end and be replaced; then its item waits for the lease to end.
    reclaim, resumed = view.header.bounds.reclaim, _first_work(view, back)
    bound = None if reclaim is None else reclaim + view.header.bounds.progress
    took = (view.last if resumed is None else resumed.at) - back.at
    if bound is not None and took > bound:
        outcome = f"went on only {took:.1f} s" if resumed else f"did not go on for {took:.1f} s"
        return failed(
            f"the work {outcome} after the broker could be reached again; "
            f"the bound is {bound:.1f} s",
            *evidence_ids(cut, back, resumed or view.job.last),
        )
    if resumed is None:
        reason = "; no lease was seen, so there is no bound" if bound is None else ""
        return unknown(
            f"the history ends {took:.1f} s after the broker could be reached again{reason}",
            back.id,
        )
    return passed(
        f"{took:.1f} s after the broker could be reached again the work went on",
        *evidence_ids(cut, back, resumed),
    )


def _first_work(view: RunModel, back: EventRef) -> EventRef | None:
    """Return the first delivery or settlement after `back`; None if there is none."""
    events = [attempt.delivered for attempt in view.attempts]
    events += [
        EventRef(settlement.ref.id, settlement.effect)
        for item in view.sent
        for settlement in item.settled
    ]
    later = [event for event in events if event.at > back.at]
    return min(later, key=lambda event: event.at, default=None)


INVARIANT = Invariant("L6", "reconnect", ("coarse", "fine"), check, level="extended")
