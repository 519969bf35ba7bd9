"""S3: an item is settled after the work on it, not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.invariant import Invariant
from harness.checks.model import LATE, AckTiming, Attempt, RunModel, always_late, majority
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history.preview import shown


def check(view: RunModel) -> Iterator[Finding]:
    first = [one.delivered.id for item in view.sent for one in item.attempts[:1]]
    told = [one for one in view.ack_timings if not _harmed(view, one)]
    # A way to get an item back has its own code: who does it rightly at first may not do so there.
    groups = (
        [one for one in told if one.attempt.delivered.id in first],
        [one for one in told if one.attempt.delivered.id not in first],
    )
    if not told:
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
    found, late = majority(told, view.habits, calm=calm), calm and always_late(told, view.habits)
    early = [one for one in told if late or one.order == "early"]
    if early:
        attempt = early[0].attempt
        who, name = view.names.short(attempt.worker), shown(attempt.item)
        return failed(
            f"{who} settled {name} before the work on it, as {len(early)} of {len(told)}: it had "
            f"{'at least ' if late else ''}{min(one.gap for one in early):.2f} s of work to go",
            *_evidence(attempt),
        )
    odd = [one for one in told if one.order != "after"]
    if found == "after" and not (view.habits.live is False and odd):
        count = several(len(told), "item")
        if any(one.by_pace for one in told):
            return passed(
                f"{count} settled at the end of the time that the worker took for it: it wanted "
                "the next one, or exited, at once"
            )
        return passed(f"{count} settled after the worker had said it was done")
    why = f": {LATE}" if view.habits.live is False else ""
    if all(one.by_pace for one in told):
        why = (
            ": no line tells when the work ends, and the worker pauses after its reports; "
            "--done-pattern says which line does"
        )
    return unknown(
        f"{len(odd)} of {several(len(told), 'item')} may have been settled "
        f"in the middle of the work{why}",
        *_evidence(odd[0].attempt),
    )


def _harmed(view: RunModel, told: AckTiming) -> bool:
    """Whether its worker was disturbed by then, so that a line may be late for that."""
    attempt = told.attempt
    since = 0.0 if attempt.settled is None else attempt.settled.effect
    until = since + max(0.0, told.gap)
    harms = view.fault_log.injected
    if any(one.of_all or (one.worker == attempt.worker and one.ref.at < until) for one in harms):
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
    """Nothing happens to anybody, and of some items that were settled the end is not told."""
    if view.fault_log.injected or view.habits.ends not in ("mostly", "seldom"):
        return
    known = [one for one in view.attempts if one.settled and one.worker is not None]
    silent = [one for one in known if one.done is None and not view.items[one.item].dead]
    if silent and view.header.failing_item is None:
        yield unknown(
            f"{len(silent)} of {several(len(known), 'item')} were settled without a word about the "
            "end of the work on them, which there is of the others",
            *_evidence(silent[0]),
            suspect=True,
        )


def _evidence(attempt: Attempt) -> tuple[int, ...]:
    settled = attempt.settled
    held = settled.hold.held if settled and settled.hold else None
    return evidence_ids(attempt.delivered, held, settled, attempt.started, attempt.done)


INVARIANT = Invariant(
    "S3", "ack after work", ("coarse", "fine"), check, valid_in_partial_history=True
)
