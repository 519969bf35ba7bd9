"""L3: once all is well again, every item is settled and the Job ends, in time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.history import STOPS
from harness.invariants import Invariant, ids
from harness.verdict import Finding, Subject, failed, passed, unknown
from harness.view import End, Item, Life, Mark, View, several, shown


def check(view: View) -> Iterator[Finding]:
    calm = _calm(view)
    if calm is None:
        yield unknown("a fault was not healed", *ids(*view.course.unhealed))
        return
    if not view.job.seen:
        yield unknown("nobody saw the Job")
        return
    bound = view.header.bounds.end
    over, by = view.job.over, calm + bound
    if over is None:
        yield _hangs(view, by)
    elif over.at > by:
        yield failed(
            f"the Job ended {over.at - calm:.1f} s after all was well; the bound is {bound:.1f} s",
            over.id,
        )
    else:
        yield _ended(view, over)


def _calm(view: View) -> float | None:
    """From when on the time is counted: all is well, and it is known how long work takes.

    In the run that is to show that, the time begins anew with each item; and with each attempt
    where an item fails, for then the pauses between them grow.
    """
    calm, header = view.course.calm, view.header
    if calm is None or (header.figures.work is not None and header.failing_item is None):
        return calm
    signs = (mark.at for one in view.attempts for mark in (one.delivered, one.ended) if mark)
    return max(signs, default=calm)


def _open(view: View) -> list[Item]:
    """What is not settled; of an item that nobody can work on that is not asked."""
    failing = view.header.failing_item
    return [item for item in view.sent if item.unsettled and item.payload != failing]


def _ended(view: View, over: Mark) -> Finding:
    """The Job has ended in time."""
    rest = _open(view)
    if not rest:
        return passed("the Job has ended, and every item that can be is settled", over.id)
    text = f"the Job has ended with {several(len(rest), 'item')} not settled"
    evidence = ids(rest[0].enqueued[0], over)
    if view.job.complete and view.too_few_completions:
        return failed(
            f"{text}: its completions are {view.job.completions}", *evidence, subject=Subject.JOB
        )
    if view.job.failed and view.header.failing_item is not None:
        return passed(f"{text}: it failed for the item that cannot be worked on", *evidence)
    return unknown(text, *evidence)


def _hangs(view: View, by: float) -> Finding:
    """The Job has not ended."""
    rest, last = _open(view), view.job.last
    if view.last <= by:
        return unknown(
            f"the history ends {by - view.last:.1f} s before the Job had to end", *ids(last)
        )
    failing = view.header.failing_item
    for item in view.sent:
        if item.unsettled and item.payload == failing:
            return _stuck(view, item, last)
    if rest:
        item = rest[0]
        given = item.attempts[-1].delivered if item.attempts else item.enqueued[0]
        return failed(
            f"the Job hangs with {several(len(rest), 'item')} not settled, "
            f"as {shown(item.payload)}",
            *ids(given, last),
        )
    return _all_settled(view, last)


def _stuck(view: View, item: Item, last: Mark | None) -> Finding:
    """The failing item is tried again and again, and stands in the way of others."""
    text = f"the Job waits for {shown(item.payload)}, which cannot be worked on"
    evidence = ids(item.enqueued[0], last)
    if view.coarse:
        return failed(text, *evidence, subject=Subject.PATTERN)
    return unknown(text, *evidence)


def _all_settled(view: View, last: Mark | None) -> Finding:
    """What is left to wait for?"""
    completions = view.job.completions
    if view.coarse and completions is not None:
        if completions > view.enqueued:
            return failed(
                f"the Job waits for {completions} completions, and there were "
                f"{view.enqueued} messages",
                *ids(last),
                subject=Subject.JOB,
            )
        wasted = list(_wasted(view))
        if wasted and len(wasted) >= completions - view.job.succeeded:
            why, evidence = wasted[0]
            return failed(
                f"the Job waits for one more completion: {why}",
                *evidence,
                *ids(last),
                subject=Subject.PATTERN,
            )
    return failed("every item is settled, and the Job hangs", *ids(last))


def _wasted(view: View) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Coarse: messages that are gone and were no completion; for each why, and its evidence."""
    # Of a pod that is about to be deleted the Job counts no success.
    told = {harm.worker for harm in view.course.injected if harm.fault in STOPS}
    for life in view.workers.values():
        if life.end and life.settled:
            stopped = life.worker in told or _left(view, life, life.end)
            how = "ended between settling its message and its exit"
            if stopped:
                how = "was told to stop before its success could count"
            if stopped or not life.success:
                yield f"{view.cast.short(life.worker)} {how}", ids(*life.settled, life.end)
    for item in view.sent:
        for _ in range(len(item.enqueued) - len(item.settled)):
            yield f"the broker has set {shown(item.payload)} aside", ids(*item.left)


def _left(view: View, life: Life, end: End) -> bool:
    """Whether its pod was about to be deleted before it had ended, by whomever."""
    pod = view.pods.get(life.worker.pod)
    leaving = pod.leaving if pod else None
    return leaving is not None and leaving.id < end.mark.id


INVARIANT = Invariant("L3", "termination", ("coarse", "fine"), check)
