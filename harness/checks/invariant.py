"""The definition of an invariant: a guarantee, and a pure check of a `RunModel`.

Each module of `harness.checks.invariants` defines one, named `INVARIANT`. Other distributions add
their own as entry points in the group `queuejob.invariants`.
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
    """A guarantee, and a function that checks whether a history kept it.

    `check` yields one finding for each result. No findings at all count as unknown.
    """

    id: str
    name: str
    patterns: tuple[str, ...]
    check: Callable[[RunModel], Iterable[Finding]]
    #: Its failures rely only on observed events, so they are valid in half a history.
    valid_in_partial_history: bool = False
    #: It gives a result also after the broker lost its data. Other invariants prove nothing then.
    judged_after_broker_loss: bool = False
    #: The first profile that includes it.
    level: Level = "core"


#: All invariants, by module name.
INVARIANTS: Registry[Invariant] = Registry(
    kind="invariants",
    package="harness.checks.invariants",
    attribute="INVARIANT",
    group="queuejob.invariants",
)


def sort_key(name: str) -> tuple[int, str, int]:
    """Return the sort key of an invariant id: S first, then L, J, N, then other letters."""
    letters = name.rstrip("0123456789")
    kinds = "SLJN"
    return kinds.find(letters) % len(kinds + "?"), letters, int(name[len(letters) :] or 0)


def failed_by_exit(
    view: RunModel, reason: str, *evidence: int, subject: Subject = Subject.WORKER
) -> Finding:
    """Return the finding for a failure that relies on an exit code of 0.

    It is a failure of the worker if the exit code is the worker's own. If the Job's command hides
    that code, a user's own Job is at fault; with the Job of the Kubernetes tutorial the result is
    unknown.
    """
    command = view.header.swallows
    if not command:
        return failed(reason, *evidence, subject=subject)
    reason += (
        f"; but the exit code is that of the Job's own command, whose `{command}` hides a failure: "
        "let the worker's own exit code be the container's, as with exec"
    )
    if view.header.own_job:
        return failed(reason, *evidence, subject=Subject.JOB)
    return unknown(reason, *evidence)
