"""L3: after all faults are healed, every item is settled and the Job ends in time."""

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

#: Reason of a Job's Failed condition: the manifest field that causes it.
_FIELDS = {
    "DeadlineExceeded": "spec.activeDeadlineSeconds",
    "BackoffLimitExceeded": "spec.backoffLimit",
    "PodFailurePolicy": "spec.podFailurePolicy",
    "FailedIndexes": "spec.backoffLimitPerIndex",
    "MaxFailedIndexesExceeded": "spec.maxFailedIndexes",
}


#: Seconds within which a pod starts if a node has room for it.
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
    deadline = progress_deadline(view, calm, view.last if over is None else over.at)
    if over is None:
        yield _hangs(view, deadline)
    elif over.at > deadline.by:
        yield _late(view, over, deadline, calm)
    else:
        yield _ended(view, over)


def _late(view: RunModel, over: EventRef, found: ProgressDeadline, calm: float) -> Finding:
    """Report a Job that ended, but made no progress for too long before."""
    took = f"{found.until - found.since:.1f} s"
    text = f"for {took} the Job made no progress"
    if (found.since, found.until) == (calm, over.at):
        text = f"the Job ended {took} after all was well"
    return failed(f"{text}; the bound is {view.header.bounds.end:.1f} s", over.id)


def _open(view: RunModel) -> list[Item]:
    """Return the items that are not settled, except the item on which all work fails."""
    failing = view.header.failing_item
    return [item for item in view.sent if item.unsettled and item.payload != failing]


def _ended(view: RunModel, over: EventRef) -> Finding:
    """Judge a Job that ended in time."""
    unsettled = _open(view)
    if not unsettled:
        return passed("the Job has ended, and every item that can be is settled", over.id)
    text = f"the Job has ended with {several(len(unsettled), 'item')} not settled"
    evidence = evidence_ids(unsettled[0].enqueued[0], over)
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
    """Judge a Job that failed with work left: because of its manifest or of its workers."""
    job = view.job
    text = f"{text}: it failed with {job.reason} ({clean(job.why)})"
    field = _FIELDS.get(job.reason)
    if field is None:
        return unknown(text, *evidence)
    if job.reason == "DeadlineExceeded":
        return _job_finding(view, f"{text}; raise {field}", *evidence)
    failures = [life for life in view.workers.values() if life.end and not life.success]
    unprovoked = [
        life for life in failures if not _disturbed(view, life) and life.run.reason != "OOMKilled"
    ]
    if failures and not unprovoked:
        cause = "by the faults of this run"
        if any(life.run.reason == "OOMKilled" and not _disturbed(view, life) for life in failures):
            cause, field = "for want of memory", f"resources.limits.memory, or {field}"
        why = f"its workers ended {cause} alone; change {field}"
        return _job_finding(view, f"{text}; {why}", *evidence, *evidence_ids(failures[0].end))
    if view.header.failing_item is not None:
        return passed(f"{text}: it failed for the item that cannot be worked on", *evidence)
    for life in unprovoked:
        who = view.names.short(life.worker)
        if life.attempts and all(attempt.settled for attempt in life.attempts):
            return failed(
                f"{text}; {who} had settled all that it was given, and exited with "
                f"{life.end.exit_code if life.end else None}",
                *evidence,
                *evidence_ids(life.end),
            )
    return _judge_items(view, text, unprovoked, evidence)


def _judge_items(
    view: RunModel, text: str, own: list[WorkerLifetime], evidence: tuple[int, ...]
) -> Finding:
    """Judge whether workers that failed on their own with items failed because of the items."""
    held = {attempt.item for life in own for attempt in life.attempts[-1:] if not attempt.settled}
    ends = evidence_ids(*(life.end for life in own[:1]))
    if len(held) > 1 and any(item.settled for item in view.sent):
        return failed(
            f"{text}; workers failed by themselves with {several(len(held), 'item')}, and others "
            "of them were done",
            *evidence,
            *ends,
        )
    if held:
        hint = f"the work on {shown(next(iter(held)))} fails: see the worker's log"
        return unknown(f"{text}; {hint}, or name it with --failing-item", *evidence, *ends)
    hint = "workers ended by themselves, and had been given nothing: see the worker's log"
    return unknown(f"{text}; {hint}, and give what it needs with --env or --manifests", *evidence)


def _disturbed(view: RunModel, life: WorkerLifetime) -> bool:
    """Return whether a fault or a pod deletion may have caused the end of a worker."""
    end = life.end
    if end is None:
        return False
    earlier_faults = (fault for fault in view.fault_log.injected if fault.ref.id < end.ref.id)
    return _pod_deleted_before(view, life, end) or any(
        fault.worker == life.worker
        or fault.of_all
        or any(connection.number == fault.connection for connection in life.connections)
        for fault in earlier_faults
    )


def _job_finding(view: RunModel, text: str, *evidence: int) -> Finding:
    """Return a failure of the user's own Job; for the Job of the tutorial, an unknown."""
    if view.header.own_job:
        return failed(text, *evidence, subject=Subject.JOB)
    return unknown(text, *evidence)


def _hangs(view: RunModel, found: ProgressDeadline) -> Finding:
    """Judge a Job that has not ended."""
    unsettled, last, by = _open(view), view.job.last, found.by
    cause = _cause(view)
    if cause and view.last > min(by, cause.since + view.header.bounds.end):
        suffix = f" with {several(len(unsettled), 'item')} not settled" if unsettled else ""
        text = f"the Job hangs{suffix}: {cause.why}; {cause.todo}"
        return _job_finding(view, text, *evidence_ids(*cause.refs, last))
    if view.last <= by:
        return unknown(
            f"the history ends {by - view.last:.1f} s before the Job had to end",
            *evidence_ids(last),
        )
    if (waiting := _waits(view, found, last)) is not None:
        return waiting
    if (uncounted := _uncounted(view)) is not None:
        return uncounted
    if unsettled:
        item = unsettled[0]
        delivery = item.attempts[-1].delivered if item.attempts else item.enqueued[0]
        return failed(
            f"the Job hangs with {several(len(unsettled), 'item')} not settled, "
            f"as {shown(item.payload)}",
            *evidence_ids(delivery, last),
        )
    return _all_settled(view, last)


def _uncounted(view: RunModel) -> Finding | None:
    """Report that the Job counts fewer successes than there are: the cluster is only slow."""
    succeeded = [
        view.pods[life.worker.pod]
        for life in view.workers.values()
        if life.success and life.worker.pod in view.pods
    ]
    counted = [
        pod for pod in succeeded if pod.phase in ("Running", "Succeeded") and not pod.leaving
    ]
    if len(counted) <= view.job.succeeded:
        return None
    return unknown(
        f"the workers of {several(len(counted), 'pod')} have ended with success, "
        f"and the Job counts {view.job.succeeded}: the cluster is slow, "
        "try again on a quieter one, or with --timeout-factor",
        *evidence_ids(view.job.last),
    )


def _waits(view: RunModel, found: ProgressDeadline, last: EventRef | None) -> Finding | None:
    """Return a finding if the Job may wait for something instead of hanging."""
    failing = view.header.failing_item
    for item in view.sent:
        if item.unsettled and item.payload == failing:
            return _blocked(view, item, last)
    if found.working is not None:
        return _at_work(view, found.working, last)
    if (pod := _not_started(view)) is not None:
        return unknown(
            f"pod {pod.name} was not started for {view.last - pod.added.at:.0f} s, so nobody knows "
            "what its worker does: see that its requests fit on a node",
            *evidence_ids(pod.added, last),
        )
    return None if found.kept is None else _long_lease(view, found.kept, last)


def _at_work(view: RunModel, attempt: Attempt, last: EventRef | None) -> Finding:
    """Report a worker that still renews its lease: it may work, or hang all the same."""
    lasted, known = view.watched - attempt.delivered.at, view.header.figures.most_work
    work = "" if not known else f"; the longest known work on an item is {known:.1f} s"
    return unknown(
        f"{view.names.short(attempt.worker)} has had {shown(attempt.item)} for {lasted:.0f} s and "
        f"still renews its lease: it is at work, or hangs{work}. A longer bound tells: "
        "--timeout-factor N",
        *evidence_ids(attempt.delivered, last),
    )


def _not_started(view: RunModel) -> Pod | None:
    """Return a pod that did not start within `_STARTS` seconds; None if there is none."""
    begun = {life.worker.pod for life in view.workers.values() if life.run.running or life.end}
    waiting = (pod for pod in view.pods.values() if pod.deleted is None and pod.uid not in begun)
    return next((pod for pod in waiting if view.last - pod.added.at > _STARTS), None)


def _long_lease(view: RunModel, attempt: Attempt, last: EventRef | None) -> Finding:
    """Judge a Job that waits for the lease of a lost worker."""
    text = f"the Job waits for {shown(attempt.item)}: {long_lease(view, attempt)}"
    evidence = evidence_ids(attempt.delivered, last)
    return failed(text, *evidence) if far_too_long(view, attempt) else unknown(text, *evidence)


def _blocked(view: RunModel, item: Item, last: EventRef | None) -> Finding:
    """Judge a Job in which the failing item is tried again and again and blocks others."""
    text = f"the Job waits for {shown(item.payload)}, which cannot be worked on"
    evidence = evidence_ids(item.enqueued[0], last)
    if view.coarse:
        return failed(text, *evidence, subject=Subject.PATTERN)
    return unknown(text, *evidence)


def _all_settled(view: RunModel, last: EventRef | None) -> Finding:
    """Judge a Job that hangs although every item is settled."""
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
        return _job_finding(view, text, *evidence_ids(view.job.last))
    return failed("every item is settled, and the Job hangs", *evidence_ids(last))


def _cause(view: RunModel) -> Obstacle | None:
    """Return the obstacle that keeps the Job open; None while a worker could still run."""
    open_lives = [life for life in view.workers.values() if life.end is None]
    if any(life.run.running or life.connections for life in open_lives):
        return None
    return held_open(view.standing) or not_running(view.standing)


def _wasted(view: RunModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Coarse: yield reason and evidence for each message that is gone without a completion."""
    # The Job counts no success of a pod that is being deleted.
    stopped_workers = {fault.worker for fault in view.fault_log.injected if fault.fault in STOPS}
    for life in view.workers.values():
        if life.end and life.settled:
            stopped = life.worker in stopped_workers or _pod_deleted_before(view, life, life.end)
            text = "ended between settling its message and its exit"
            if stopped:
                text = "was told to stop before its success could count"
            if stopped or not life.success:
                yield (
                    f"{view.names.short(life.worker)} {text}",
                    evidence_ids(*life.settled, life.end),
                )
    for item in view.sent:
        for _ in range(len(item.enqueued) - len(item.settled)):
            yield f"the broker has set {shown(item.payload)} aside", evidence_ids(*item.left)


def _pod_deleted_before(view: RunModel, life: WorkerLifetime, end: WorkerExit) -> bool:
    """Return whether the deletion of its pod, by any cause, began before the worker ended."""
    pod = view.pods.get(life.worker.pod)
    leaving = pod.leaving if pod else None
    return leaving is not None and leaving.id < end.ref.id


INVARIANT = Invariant("L3", "termination", ("coarse", "fine"), check)
