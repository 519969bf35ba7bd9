"""S3: a worker settles an item after the work on it, not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.invariant import Invariant
from harness.checks.model import LATE, AckTiming, Attempt, RunModel, always_late, majority
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    first = [attempt.delivered.id for item in view.sent for attempt in item.attempts[:1]]
    timings = [timing for timing in view.ack_timings if not _disturbed(view, timing)]
    # Redelivery often runs other code: a worker may settle correctly only on the first delivery.
    groups = (
        [timing for timing in timings if timing.attempt.delivered.id in first],
        [timing for timing in timings if timing.attempt.delivered.id not in first],
    )
    if not timings:
        yield unknown(
            "nothing shows the end of the work on an item that was settled: let the worker print "
            "a line about it, or say with --done-pattern which line does"
        )
    for group in groups:
        if group:
            yield _judge(view, group)
    yield from _without_end(view)


def _judge(view: RunModel, told: Sequence[AckTiming]) -> Finding:
    calm = not view.fault_log.injected
    order, late = majority(told, view.habits, calm=calm), calm and always_late(told, view.habits)
    early = [timing for timing in told if late or timing.order == "early"]
    if early:
        attempt = early[0].attempt
        who, name = view.names.short(attempt.worker), shown(attempt.item)
        return failed(
            f"{who} settled {name} before the work on it, as {len(early)} of {len(told)}: it had "
            f"{'at least ' if late else ''}{min(timing.gap for timing in early):.2f} s "
            "of work to go",
            *_evidence(attempt),
        )
    not_after = [timing for timing in told if timing.order != "after"]
    if order == "after" and not (view.habits.live is False and not_after):
        count = several(len(told), "item")
        if any(timing.by_pace for timing in told):
            return passed(
                f"{count} settled at the end of the time that the worker took for it: it wanted "
                "the next one, or exited, at once"
            )
        return passed(f"{count} settled after the worker had said it was done")
    why = f": {LATE}" if view.habits.live is False else ""
    if all(timing.by_pace for timing in told):
        why = (
            ": no line tells when the work ends, and the worker pauses after its reports; "
            "--done-pattern says which line does"
        )
    return unknown(
        f"{len(not_after)} of {several(len(told), 'item')} may have been settled "
        f"in the middle of the work{why}",
        *_evidence(not_after[0].attempt),
    )


def _disturbed(view: RunModel, told: AckTiming) -> bool:
    """Return whether a fault or a hold disturbed the worker, so that its line may be late."""
    attempt = told.attempt
    since = 0.0 if attempt.settled is None else attempt.settled.effect
    until = since + max(0.0, told.gap)
    injected = view.fault_log.injected
    if any(
        fault.of_all or (fault.worker == attempt.worker and fault.ref.at < until)
        for fault in injected
    ):
        return True
    life = view.life(attempt.worker)
    return told.gap > 0 and any(
        hold.towards == "client"
        and hold.held.at < until
        and (hold.released is None or hold.released.at > since)
        for connection in (life.connections if life else ())
        for hold in connection.holds
    )


def _without_end(view: RunModel) -> Iterator[Finding]:
    """In a run without faults, report settled items whose end the log does not show."""
    if view.fault_log.injected or view.habits.ends not in ("mostly", "seldom"):
        return
    settled = [
        attempt for attempt in view.attempts if attempt.settled and attempt.worker is not None
    ]
    without_end = [
        attempt for attempt in settled if attempt.done is None and not view.items[attempt.item].dead
    ]
    if without_end and view.header.failing_item is None:
        yield unknown(
            f"{len(without_end)} of {several(len(settled), 'item')} were settled "
            "without a word about the end of the work on them, which there is of the others",
            *_evidence(without_end[0]),
            suspect=True,
        )


def _evidence(attempt: Attempt) -> tuple[int, ...]:
    settled = attempt.settled
    held = settled.hold.held if settled and settled.hold else None
    return evidence_ids(attempt.delivered, held, settled, attempt.started, attempt.done)


INVARIANT = Invariant(
    "S3", "ack after work", ("coarse", "fine"), check, valid_in_partial_history=True
)
