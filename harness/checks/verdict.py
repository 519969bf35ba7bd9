"""What is said about a history: pass, unknown or fail, with the reason and the events that show it.

A verdict is a set of findings and is as bad as the worst of them. One without any finding is
unknown: where nothing was looked at, nothing has passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from itertools import pairwise

import msgspec


class Outcome(IntEnum):
    """Ordered: the worst one wins."""

    PASS = 0
    UNKNOWN = 1
    FAIL = 2

    def __str__(self) -> str:
        return self.name.lower()


class Subject(StrEnum):
    """Whose fault it is: the image's, the Job manifest's, or the task page's own limit."""

    WORKER = "worker"
    JOB = "job"
    PATTERN = "pattern"


class Finding(msgspec.Struct, frozen=True, order=False):
    """One thing that was found: why, and the ids of the events that show it, in order."""

    outcome: Outcome
    reason: str
    evidence: tuple[int, ...] = ()
    subject: Subject = Subject.WORKER
    #: Of an unknown: something was seen that speaks against the worker, so it leaves the run
    #: unproved, whatever its scenario is to prove.
    suspect: bool = False

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("a finding without a reason tells nobody anything")
        if self.outcome is Outcome.FAIL and not self.evidence:
            raise ValueError(f"a failure without evidence: {self.reason}")
        if any(later <= earlier for earlier, later in pairwise(self.evidence)):
            raise ValueError(f"evidence is not in order: {self.evidence}")


class Verdict(msgspec.Struct, frozen=True):
    """What an invariant says about a history."""

    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return max((one.outcome for one in self.findings), default=Outcome.UNKNOWN)

    def about(self, *subjects: Subject) -> Verdict:
        """Only the findings with these subjects."""
        return Verdict(tuple(one for one in self.findings if one.subject in subjects))


def passed(reason: str, *evidence: int) -> Finding:
    """It was looked at, and holds."""
    return Finding(Outcome.PASS, reason, _ordered(evidence))


def unknown(reason: str, *evidence: int, suspect: bool = False) -> Finding:
    """It could not be told, and why; `suspect`: what was seen speaks against the worker."""
    return Finding(Outcome.UNKNOWN, reason, _ordered(evidence), suspect=suspect)


def failed(reason: str, *evidence: int, subject: Subject = Subject.WORKER) -> Finding:
    """It does not hold; `evidence` is the shortest story that shows it, never empty."""
    return Finding(Outcome.FAIL, reason, _ordered(evidence), subject)


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """All findings together, each once, in the order in which they came."""
    return Verdict(tuple(dict.fromkeys(one for each in verdicts for one in each.findings)))


def _ordered(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)))
