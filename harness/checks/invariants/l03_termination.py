"""L3: once all is well again, every item is settled and the Job ends, in time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.invariant import Invariant
from harness.checks.model import (
    Attempt,
    EventRef,
    Item,
    Obstacle,
    Pod,
    ProgressDeadline,
    RunModel,
    WorkerExit,
    WorkerLifetime,
    far_too_long,
    held_open,
    long_lease,
    not_running,
    progress_deadline,
)
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, Subject, failed, passed, unknown
from harness.core.text import clean, several
from harness.history import STOPS
from harness.history.preview import shown

#: By the reason of the condition with which a Job fails: the field that says so.
_FIELDS = {
    "DeadlineExceeded": "spec.activeDeadlineSeconds",
    "BackoffLimitExceeded": "spec.backoffLimit",
    "PodFailurePolicy": "spec.podFailurePolicy",
    "FailedIndexes": "spec.backoffLimitPerIndex",
    "MaxFailedIndexesExceeded": "spec.maxFailedIndexes",
}


#: Seconds in which a pod is started, wherever there is room for it.
_STARTS = 60.0


def check(view: RunModel) -> Iterator[Finding]:
    calm = view.fault_log.stable_since
    if calm is None:
        yield unknown("a fault was not healed", *evidence_ids(*view.fault_log.unhealed))
        return
    if not view.job.seen:
        yield unknown("nobody saw the Job")
        return
    over = view.job.over
    found = progress_deadline(view, calm, view.last if over is None else over.at)
    if over is None:
        yield _hangs(view, found)
    elif over.at > found.by:
        yield _late(view, over, found, calm)
    else:
        yield _ended(view, over)


def _late(view: RunModel, over: EventRef, found: ProgressDeadline, calm: float) -> Finding:
    """The Job has ended, and for too long nothing had brought it nearer to that."""
    took = f"{found.until - found.since:.1f} s"
    text = f"for {took} the Job made no progress"
    if (found.since, found.until) == (calm, over.at):
        text = f"the Job ended {took} after all was well"
    return failed(f"{text}; the bound is {view.header.bounds.end:.1f} s", over.id)


def _open(view: RunModel) -> list[Item]:
    """What is not settled; of an item that nobody can work on that is not asked."""
    failing = view.header.failing_item
    return [item for item in view.sent if item.unsettled and item.payload != failing]


def _ended(view: RunModel, over: EventRef) -> Finding:
    """The Job has ended in time."""
    rest = _open(view)
    if not rest:
        return passed("the Job has ended, and every item that can be is settled", over.id)
    text = f"the Job has ended with {several(len(rest), 'item')} not settled"
    evidence = evidence_ids(rest[0].enqueued[0], over)
    if view.job.complete and view.too_few_completions:
        return failed(
            f"{text}: its completions are {view.job.completions}", *evidence, subject=Subject.JOB
        )
    if view.job.failed and view.header.failing_item is not None and not view.job.reason:
        return passed(f"{text}: it failed for the item that cannot be worked on", *evidence)
    if view.job.failed and view.job.reason:
        return _failed(view, text, evidence)
    return unknown(text, *evidence)


def _failed(view: RunModel, text: str, evidence: tuple[int, ...]) -> Finding:
    """The Job was ended with work left: by what its manifest says, or by what its workers did?"""
    job = view.job
    text = f"{text}: it failed with {job.reason} ({clean(job.why)})"
    field = _FIELDS.get(job.reason)
    if field is None:
        return unknown(text, *evidence)
    if job.reason == "DeadlineExceeded":
        return _of_the_job(view, f"{text}; raise {field}", *evidence)
    ends = [life for life in view.workers.values() if life.end and not life.success]
    own = [life for life in ends if not _harmed(view, life) and life.run.reason != "OOMKilled"]
    if ends and not own:
        how = "by the faults of this run"
        if any(life.run.reason == "OOMKilled" and not _harmed(view, life) for life in ends):
            how, field = "for want of memory", f"resources.limits.memory, or {field}"
        why = f"its workers ended {how} alone; change {field}"
        return _of_the_job(view, f"{text}; {why}", *evidence, *evidence_ids(ends[0].end))
    if view.header.failing_item is not None:
        return passed(f"{text}: it failed for the item that cannot be worked on", *evidence)
    for life in own:
        who = view.names.short(life.worker)
        if life.attempts and all(one.settled for one in life.attempts):
            return failed(
                f"{text}; {who} had settled all that it was given, and exited with "
                f"{life.end.exit_code if life.end else None}",
                *evidence,
                *evidence_ids(life.end),
            )
    return _in_the_work(view, text, own, evidence)


def _in_the_work(
    view: RunModel, text: str, own: list[WorkerLifetime], evidence: tuple[int, ...]
) -> Finding:
    """Workers ended by themselves with items in their hands: was it for the items?"""
    held = {one.item for life in own for one in life.attempts[-1:] if not one.settled}
    ends = evidence_ids(*(life.end for life in own[:1]))
    if len(held) > 1 and any(item.settled for item in view.sent):
        return failed(
            f"{text}; workers failed by themselves with {several(len(held), 'item')}, and others "
            "of them were done",
            *evidence,
            *ends,
        )
    if held:
        what = f"the work on {shown(next(iter(held)))} fails: see the worker's log"
        return unknown(f"{text}; {what}, or name it with --failing-item", *evidence, *ends)
    what = "workers ended by themselves, and had been given nothing: see the worker's log"
    return unknown(f"{text}; {what}, and give what it needs with --env or --manifests", *evidence)


def _harmed(view: RunModel, life: WorkerLifetime) -> bool:
    """Whether this run has had a part in the end of a worker."""
    end = life.end
    if end is None:
        return False
    aimed = (one for one in view.fault_log.injected if one.ref.id < end.ref.id)
    return _left(view, life, end) or any(
        one.worker == life.worker
        or one.of_all
        or any(each.number == one.connection for each in life.connections)
        for one in aimed
    )


def _of_the_job(view: RunModel, text: str, *evidence: int) -> Finding:
    """A finding against the user's own Job; with the task page's it is no more than a reason."""
    if view.header.own_job:
        return failed(text, *evidence, subject=Subject.JOB)
    return unknown(text, *evidence)


def _hangs(view: RunModel, found: ProgressDeadline) -> Finding:
    """The Job has not ended."""
    rest, last, by = _open(view), view.job.last, found.by
    cause = _cause(view)
    if cause and view.last > min(by, cause.since + view.header.bounds.end):
        open_ = f" with {several(len(rest), 'item')} not settled" if rest else ""
        text = f"the Job hangs{open_}: {cause.why}; {cause.todo}"
        return _of_the_job(view, text, *evidence_ids(*cause.marks, last))
    if view.last <= by:
        return unknown(
            f"the history ends {by - view.last:.1f} s before the Job had to end",
            *evidence_ids(last),
        )
    if (other := _waits(view, found, last)) is not None:
        return other
    if (slow := _behind(view)) is not None:
        return slow
    if rest:
        item = rest[0]
        given = item.attempts[-1].delivered if item.attempts else item.enqueued[0]
        return failed(
            f"the Job hangs with {several(len(rest), 'item')} not settled, "
            f"as {shown(item.payload)}",
            *evidence_ids(given, last),
        )
    return _all_settled(view, last)


def _behind(view: RunModel) -> Finding | None:
    """Whether the cluster has not counted yet what its pods have done: it is slow, nobody hangs."""
    succeeded = [
        view.pods[life.worker.pod]
        for life in view.workers.values()
        if life.success and life.worker.pod in view.pods
    ]
    over = [pod for pod in succeeded if pod.phase in ("Running", "Succeeded") and not pod.leaving]
    if len(over) <= view.job.succeeded:
        return None
    return unknown(
        f"the workers of {several(len(over), 'pod')} have ended with success, and the Job counts "
        f"{view.job.succeeded}: the cluster is slow, try again on a quieter one, or with "
        "--timeout-factor",
        *evidence_ids(view.job.last),
    )


def _waits(view: RunModel, found: ProgressDeadline, last: EventRef | None) -> Finding | None:
    """Whether it may wait for something, and not hang."""
    failing = view.header.failing_item
    for item in view.sent:
        if item.unsettled and item.payload == failing:
            return _stuck(view, item, last)
    if found.working is not None:
        return _at_work(view, found.working, last)
    if (pod := _not_started(view)) is not None:
        return unknown(
            f"pod {pod.name} was not started for {view.last - pod.added.at:.0f} s, so nobody knows "
            "what its worker does: see that its requests fit on a node",
            *evidence_ids(pod.added, last),
        )
    return None if found.kept is None else _kept(view, found.kept, last)


def _at_work(view: RunModel, attempt: Attempt, last: EventRef | None) -> Finding:
    """A worker still renews its lease: it may be at work, or hang beside that."""
    lasted, known = view.watched - attempt.delivered.at, view.header.figures.most_work
    work = "" if not known else f"; the longest known work on an item is {known:.1f} s"
    return unknown(
        f"{view.names.short(attempt.worker)} has had {shown(attempt.item)} for {lasted:.0f} s and "
        f"still renews its lease: it is at work, or hangs{work}. A longer bound tells: "
        "--timeout-factor N",
        *evidence_ids(attempt.delivered, last),
    )


def _not_started(view: RunModel) -> Pod | None:
    """A pod that is there, and was not started although it had long enough for that."""
    begun = {life.worker.pod for life in view.workers.values() if life.run.running or life.end}
    left = (one for one in view.pods.values() if one.deleted is None and one.uid not in begun)
    return next((one for one in left if view.last - one.added.at > _STARTS), None)


def _kept(view: RunModel, attempt: Attempt, last: EventRef | None) -> Finding:
    """The Job waits for a lease that a lost worker has left."""
    text = f"the Job waits for {shown(attempt.item)}: {long_lease(view, attempt)}"
    evidence = evidence_ids(attempt.delivered, last)
    return failed(text, *evidence) if far_too_long(view, attempt) else unknown(text, *evidence)


def _stuck(view: RunModel, item: Item, last: EventRef | None) -> Finding:
    """The failing item is tried again and again, and stands in the way of others."""
    text = f"the Job waits for {shown(item.payload)}, which cannot be worked on"
    evidence = evidence_ids(item.enqueued[0], last)
    if view.coarse:
        return failed(text, *evidence, subject=Subject.PATTERN)
    return unknown(text, *evidence)


def _all_settled(view: RunModel, last: EventRef | None) -> Finding:
    """What is left to wait for?"""
    completions = view.job.completions
    if view.coarse and completions is not None:
        if completions > view.enqueued:
            return failed(
                f"the Job waits for {completions} completions, and there were "
                f"{view.enqueued} messages",
                *evidence_ids(last),
                subject=Subject.JOB,
            )
        wasted = list(_wasted(view))
        if wasted and len(wasted) >= completions - view.job.succeeded:
            why, evidence = wasted[0]
            return failed(
                f"the Job waits for one more completion: {why}",
                *evidence,
                *evidence_ids(last),
                subject=Subject.PATTERN,
            )
    lives = view.workers.values()
    if not view.coarse and view.job.last and lives and all(life.success for life in lives):
        text = "every item is settled, every worker exited with 0, and the Job is still open"
        if completions is not None:
            text += (
                f": {view.job.succeeded} of {completions} completions; leave spec.completions out"
            )
        return _of_the_job(view, text, *evidence_ids(view.job.last))
    return failed("every item is settled, and the Job hangs", *evidence_ids(last))


def _cause(view: RunModel) -> Obstacle | None:
    """What keeps the Job open although no worker runs any more, and none could change it."""
    runs = [life for life in view.workers.values() if life.end is None]
    if any(life.run.running or life.connections for life in runs):
        return None
    return held_open(view.standing) or not_running(view.standing)


def _wasted(view: RunModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Coarse: messages that are gone and were no completion; for each why, and its evidence."""
    # Of a pod that is about to be deleted the Job counts no success.
    told = {harm.worker for harm in view.fault_log.injected if harm.fault in STOPS}
    for life in view.workers.values():
        if life.end and life.settled:
            stopped = life.worker in told or _left(view, life, life.end)
            how = "ended between settling its message and its exit"
            if stopped:
                how = "was told to stop before its success could count"
            if stopped or not life.success:
                yield (
                    f"{view.names.short(life.worker)} {how}",
                    evidence_ids(*life.settled, life.end),
                )
    for item in view.sent:
        for _ in range(len(item.enqueued) - len(item.settled)):
            yield f"the broker has set {shown(item.payload)} aside", evidence_ids(*item.left)


def _left(view: RunModel, life: WorkerLifetime, end: WorkerExit) -> bool:
    """Whether its pod was about to be deleted before it had ended, by whomever."""
    pod = view.pods.get(life.worker.pod)
    leaving = pod.leaving if pod else None
    return leaving is not None and leaving.id < end.ref.id


INVARIANT = Invariant("L3", "termination", ("coarse", "fine"), check)
