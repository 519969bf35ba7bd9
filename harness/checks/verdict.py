"""The verdict on a history: pass, unknown or fail, with reasons and events as evidence.

A verdict is a set of findings and is as bad as the worst of them. A verdict without findings is
unknown: without a check, nothing can pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from itertools import pairwise

import msgspec


class Outcome(IntEnum):
    """The result of a check, ordered: the worst one wins."""

    PASS = 0
    UNKNOWN = 1
    FAIL = 2

    def __str__(self) -> str:
        return self.name.lower()


class Subject(StrEnum):
    """The party at fault: the image, the Job manifest, or a limit of the Kubernetes tutorial."""

    WORKER = "worker"
    JOB = "job"
    PATTERN = "pattern"


class Finding(msgspec.Struct, frozen=True, order=False):
    """One result of a check: the reason, and the ids of the events that show it, in order."""

    outcome: Outcome
    reason: str
    evidence: tuple[int, ...] = ()
    subject: Subject = Subject.WORKER
    #: Only for unknown: some event counts against the worker, so the run stays unproved, regardless
    #: of what its scenario must prove.
    suspect: bool = False

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("a finding without a reason tells nobody anything")
        if self.outcome is Outcome.FAIL and not self.evidence:
            raise ValueError(f"a failure without evidence: {self.reason}")
        if any(later <= earlier for earlier, later in pairwise(self.evidence)):
            raise ValueError(f"evidence is not in order: {self.evidence}")


class Verdict(msgspec.Struct, frozen=True):
    """The result of an invariant for a history."""

    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return max((finding.outcome for finding in self.findings), default=Outcome.UNKNOWN)

    def about(self, *subjects: Subject) -> Verdict:
        """Return a verdict with only the findings about these subjects."""
        return Verdict(tuple(finding for finding in self.findings if finding.subject in subjects))


def passed(reason: str, *evidence: int) -> Finding:
    """Return a finding: the check ran, and the guarantee holds."""
    return Finding(Outcome.PASS, reason, _ordered(evidence))


def unknown(reason: str, *evidence: int, suspect: bool = False) -> Finding:
    """Return a finding: the check could not decide, for this reason.

    `suspect`: some event counts against the worker.
    """
    return Finding(Outcome.UNKNOWN, reason, _ordered(evidence), suspect=suspect)


def failed(reason: str, *evidence: int, subject: Subject = Subject.WORKER) -> Finding:
    """Return a finding: the guarantee does not hold.

    `evidence`, never empty, is the shortest sequence of events that shows it.
    """
    return Finding(Outcome.FAIL, reason, _ordered(evidence), subject)


def _ordered(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)))
