"""L6: when the broker can be reached again, the work goes on, in time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import EventRef, RunModel
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.history import CUT_OFF, HALF_OPEN, RESTARTED

#: What a worker outlives. (That a connection ended unheard is healed once it had time to notice.)
_OUT_OF_REACH = (CUT_OFF, HALF_OPEN, RESTARTED)


def check(view: RunModel) -> Iterator[Finding]:
    cuts = [harm for harm in view.fault_log.injected if harm.fault in _OUT_OF_REACH]
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
        item.unsettled or any(one.effect > back.at for one in item.settled) for item in view.sent
    )


def _judge(view: RunModel, cut: EventRef, back: EventRef) -> Finding:
    # The worker may go on itself, or end and be replaced, and leave its item to a lease's end.
    reclaim, news = view.header.bounds.reclaim, _news(view, back)
    bound = None if reclaim is None else reclaim + view.header.bounds.progress
    took = (view.last if news is None else news.at) - back.at
    if bound is not None and took > bound:
        what = f"went on only {took:.1f} s" if news else f"did not go on for {took:.1f} s"
        return failed(
            f"the work {what} after the broker could be reached again; the bound is {bound:.1f} s",
            *evidence_ids(cut, back, news or view.job.last),
        )
    if news is None:
        why = "; no lease was seen, so there is no bound" if bound is None else ""
        return unknown(
            f"the history ends {took:.1f} s after the broker could be reached again{why}", back.id
        )
    return passed(
        f"{took:.1f} s after the broker could be reached again the work went on",
        *evidence_ids(cut, back, news),
    )


def _news(view: RunModel, back: EventRef) -> EventRef | None:
    """The first delivery or settlement from then on."""
    marks = [one.delivered for one in view.attempts]
    marks += [EventRef(one.ref.id, one.effect) for item in view.sent for one in item.settled]
    later = [one for one in marks if one.at > back.at]
    return min(later, key=lambda one: one.at, default=None)


INVARIANT = Invariant("L6", "reconnect", ("coarse", "fine"), check, level="extended")
