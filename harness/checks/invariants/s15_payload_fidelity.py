"""S15: a worker works on the bytes of its item, on all of them and on no others."""

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

#: Seconds by which the clocks of tap and kubelet may differ.
_SKEW = 0.1


def check(view: RunModel) -> Iterator[Finding]:
    known = {sha256_of(item.payload) for item in view.sent}
    if not view.digests:
        yield unknown("no worker tells, by a digest, which bytes it works on")
        return
    if not any(one.sha256 in known for one in view.digests):
        first = view.digests[0].ref.id
        yield unknown("the digests fit no item at all: they may be of something else", first)
        return
    good = 0
    acked = [one for one in view.attempts if one.settled and one.settled.how == "acked"]
    others = any(_tells_of_others(view, attempt, known) for attempt in acked)
    for attempt in acked:
        finding = _judge(view, attempt, known, others)
        good += finding is None
        if finding is not None:
            yield finding
    if good:
        yield passed(f"{several(good, 'item')} worked on byte for byte")


def _tells_of_others(view: RunModel, attempt: Attempt, known: set[str]) -> bool:
    """Whether its worker prints the item's digest and, beside it, one of something else."""
    life, settled = view.life(attempt.worker), attempt.settled
    if life is None or settled is None:
        return False
    meanwhile = _meanwhile(life, attempt, _said(view, life))
    told = [one.sha256 for one in meanwhile if one.ref.at <= settled.ref.at]
    return sha256_of(attempt.item) in told and any(one not in known for one in told)


def _said(view: RunModel, life: WorkerLifetime) -> list[DigestStatement]:
    return [one for one in view.digests if one.worker == life.worker]


def _judge(view: RunModel, attempt: Attempt, known: set[str], others: bool) -> Finding | None:
    """What its worker said that it worked on, when it settled this item.

    `others`: workers print digests of something else, too, a result's perhaps.
    """
    life, name = view.life(attempt.worker), shown(attempt.item)
    if life is None:
        return unknown(f"nobody knows who worked on {name}", *evidence_ids(attempt.delivered))
    said = _said(view, life)
    since = attempt.delivered.at - _SKEW
    if any(one.sha256 == sha256_of(attempt.item) and one.ref.at >= since for one in said):
        return None
    strange = next(
        (one for one in _meanwhile(life, attempt, said) if one.sha256 not in known), None
    )
    who, evidence = (
        view.names.short(life.worker),
        evidence_ids(attempt.delivered, strange, attempt.settled),
    )
    if strange is None:
        return unknown(f"{who} did not tell which bytes of {name} it worked on", *evidence)
    if others:
        return unknown(
            f"{who} told a digest that is not of {name}, and workers print digests of other "
            "things, too; --digest-pattern tells which one counts",
            *evidence,
        )
    return failed(f"{who} worked on other bytes than those of {name}", *evidence)


def _meanwhile(
    life: WorkerLifetime, attempt: Attempt, said: list[DigestStatement]
) -> Iterator[DigestStatement]:
    """What it said before it was given the next item."""
    after = (one.delivered.at for one in life.attempts if one.delivered.id > attempt.delivered.id)
    until = min(after, default=inf)
    since = attempt.delivered.at - _SKEW
    return (one for one in said if since <= one.ref.at < until)


INVARIANT = Invariant(
    "S15",
    "payload fidelity",
    ("coarse", "fine"),
    check,
    valid_in_partial_history=True,
    level="extended",
)
