"""S15: a worker works on all bytes of its item, and on no others."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from harness.checks.invariant import Invariant
from harness.checks.model import Attempt, DigestStatement, RunModel, WorkerLifetime
from harness.checks.model.event_ref import evidence_ids
from harness.checks.verdict import Finding, failed, passed, unknown
from harness.core.text import several
from harness.history import sha256_of
from harness.history.preview import shown

#: Seconds by which the clocks of the tap and the kubelet may differ.
_SKEW = 0.1


def check(view: RunModel) -> Iterator[Finding]:
    known = {sha256_of(item.payload) for item in view.sent}
    if not view.digests:
        yield unknown("no worker tells, by a digest, which bytes it works on")
        return
    if not any(statement.sha256 in known for statement in view.digests):
        first = view.digests[0].ref.id
        yield unknown("the digests fit no item at all: they may be of something else", first)
        return
    good = 0
    acked = [other for other in view.attempts if other.settled and other.settled.how == "acked"]
    others = any(_prints_other_digests(view, attempt, known) for attempt in acked)
    for attempt in acked:
        finding = _judge(view, attempt, known, others)
        good += finding is None
        if finding is not None:
            yield finding
    if good:
        yield passed(f"{several(good, 'item')} worked on byte for byte")


def _prints_other_digests(view: RunModel, attempt: Attempt, known: set[str]) -> bool:
    """Return whether the worker prints a foreign digest in addition to that of the item."""
    life, settled = view.life(attempt.worker), attempt.settled
    if life is None or settled is None:
        return False
    statements = _until_next_delivery(life, attempt, _statements(view, life))
    digests = [statement.sha256 for statement in statements if statement.ref.at <= settled.ref.at]
    return sha256_of(attempt.item) in digests and any(digest not in known for digest in digests)


def _statements(view: RunModel, life: WorkerLifetime) -> list[DigestStatement]:
    return [statement for statement in view.digests if statement.worker == life.worker]


def _judge(view: RunModel, attempt: Attempt, known: set[str], others: bool) -> Finding | None:
    """Judge the worker's digests for this item; None if the item's own digest is there.

    `others`: workers also print digests of something else, perhaps of a result.
    """
    life, name = view.life(attempt.worker), shown(attempt.item)
    if life is None:
        return unknown(f"nobody knows who worked on {name}", *evidence_ids(attempt.delivered))
    statements = _statements(view, life)
    since = attempt.delivered.at - _SKEW
    if any(
        statement.sha256 == sha256_of(attempt.item) and statement.ref.at >= since
        for statement in statements
    ):
        return None
    foreign = next(
        (
            statement
            for statement in _until_next_delivery(life, attempt, statements)
            if statement.sha256 not in known
        ),
        None,
    )
    who, evidence = (
        view.names.short(life.worker),
        evidence_ids(attempt.delivered, foreign, attempt.settled),
    )
    if foreign is None:
        return unknown(f"{who} did not tell which bytes of {name} it worked on", *evidence)
    if others:
        return unknown(
            f"{who} told a digest that is not of {name}, and workers print digests of other "
            "things, too; --digest-pattern tells which one counts",
            *evidence,
        )
    return failed(f"{who} worked on other bytes than those of {name}", *evidence)


def _until_next_delivery(
    life: WorkerLifetime, attempt: Attempt, said: list[DigestStatement]
) -> Iterator[DigestStatement]:
    """Return the statements between this delivery and the next one."""
    after = (
        other.delivered.at for other in life.attempts if other.delivered.id > attempt.delivered.id
    )
    until = min(after, default=inf)
    since = attempt.delivered.at - _SKEW
    return (statement for statement in said if since <= statement.ref.at < until)


INVARIANT = Invariant(
    "S15",
    "payload fidelity",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
