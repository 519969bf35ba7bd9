"""What an invariant is: a guarantee, and a pure function that judges it of a `RunModel`.

Each module of `harness.checks.invariants` has one, called `INVARIANT`. Other distributions add
theirs as entry points in the group `queuejob.invariants`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.checks.levels import Level
from harness.checks.model import RunModel
from harness.checks.verdict import Finding, Subject, failed, unknown
from harness.core.registry import Registry


@dataclass(frozen=True)
class Invariant:
    """A guarantee, and how to see in a history whether it was kept.

    `check` gives one finding for each thing that it found; none at all is as good as unknown.
    """

    id: str
    name: str
    patterns: tuple[str, ...]
    check: Callable[[RunModel], Iterable[Finding]]
    #: Its failures are shown by what was seen, not by what was not: they stand in half a history.
    valid_in_partial_history: bool = False
    #: It says something also where the broker has lost what it had; of others nothing is proved.
    judged_after_broker_loss: bool = False
    #: The first profile that asks for it.
    level: Level = "core"


#: All invariants, by the names of their modules.
INVARIANTS: Registry[Invariant] = Registry(
    kind="invariants",
    package="harness.checks.invariants",
    attribute="INVARIANT",
    group="queuejob.invariants",
)


def sort_key(name: str) -> tuple[int, str, int]:
    """Where an id stands among others: those of S first, then L, J, N, then others' own."""
    letters = name.rstrip("0123456789")
    kinds = "SLJN"
    return kinds.find(letters) % len(kinds + "?"), letters, int(name[len(letters) :] or 0)


def failed_by_exit(
    view: RunModel, reason: str, *evidence: int, subject: Subject = Subject.WORKER
) -> Finding:
    """A failure that stands on an exit code of 0, where that is the worker's own.

    Where the Job's command hides it, that is the Job's fault; and nobody's in the task page's.
    """
    words = view.header.swallows
    if not words:
        return failed(reason, *evidence, subject=subject)
    reason += (
        f"; but the exit code is that of the Job's own command, whose `{words}` hides a failure: "
        "let the worker's own exit code be the container's, as with exec"
    )
    if view.header.own_job:
        return failed(reason, *evidence, subject=Subject.JOB)
    return unknown(reason, *evidence)
