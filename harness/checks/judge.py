"""Judge a history: one verdict for each invariant of its pattern. Pure and repeatable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import islice

from harness.checks.invariant import INVARIANTS, Invariant, sort_key
from harness.checks.levels import Level, within
from harness.checks.model import RunModel, WorkerNames, build_model
from harness.checks.verdict import Finding, Outcome, Subject, Verdict, unknown
from harness.core.text import brief
from harness.history import Event, Header, Payload

#: How many findings of one kind are listed; for the rest, only their number.
_MAX_LISTED = 5
#: If one of these observers missed something, neither observed nor missing events are reliable.
_REQUIRED_OBSERVERS = ("tap", "monitor", "replica")


class Confidence(IntEnum):
    """How much confidence a defect of the history removes."""

    #: Observed events are valid, but they prove nothing.
    PASS = 1
    #: Only failures that rely on observed events alone remain valid.
    ABSENCE = 2
    #: Nothing is valid.
    ALL = 3


@dataclass(frozen=True)
class HistoryDefect:
    """A defect of the history itself."""

    doubt: Confidence
    reason: str
    evidence: tuple[int, ...] = ()
    #: It is the broker's loss of its data, which some invariants are about.
    loss: bool = False
    #: The items that it concerns; empty means all.
    items: frozenset[Payload] = frozenset()


@dataclass(frozen=True)
class Judgement:
    """The verdicts on one history, by invariant id, and the names of its workers."""

    header: Header
    verdicts: Mapping[str, Verdict]
    names: WorkerNames

    def __getitem__(self, name: str) -> Verdict:
        return self.verdicts[name]

    def attributed_to_image(self, name: str) -> Verdict:
        """Return the verdict without failures that are neither the image's nor a user's own Job's.

        A limit of the pattern itself is never a fault, no matter who wrote the Job.
        """
        subjects = {Subject.WORKER, *([Subject.JOB] if self.header.own_job else [])}
        return Verdict(
            tuple(
                finding
                for finding in self.verdicts[name].findings
                if finding.outcome is not Outcome.FAIL or finding.subject in subjects
            )
        )

    def violated(self, level: Level = "extended") -> bool:
        """Return whether the worker, or a user's own Job, broke a guarantee of this profile."""
        required = {invariant.id for invariant in invariants() if within(invariant.level, level)}
        return any(
            self.attributed_to_image(name).outcome is Outcome.FAIL
            for name in required & {*self.verdicts}
        )

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of the test of an invariant: broken, proved, or neither."""
        if name in self.verdicts and self.attributed_to_image(name).outcome is Outcome.FAIL:
            return Outcome.FAIL
        return Outcome.PASS if self.proved(name) else Outcome.UNKNOWN

    def suspect(self, name: str) -> bool:
        """Return whether the outcome is unknown because some event counts against the worker.

        Then the check did have something to inspect, so this counts regardless of what the scenario
        must prove.
        """
        if name not in self.verdicts or self.outcome(name) is not Outcome.UNKNOWN:
            return False
        return any(finding.suspect for finding in self.attributed_to_image(name).findings)

    def proved(self, name: str) -> bool:
        """Return whether this invariant was checked, and all failures are the fault of others."""
        verdict, outcome = self.verdicts.get(name, Verdict()), Outcome.PASS
        if verdict.findings and (attributed := self.attributed_to_image(name)).findings:
            outcome = attributed.outcome
        return bool(verdict.findings) and outcome is Outcome.PASS


@cache
def invariants() -> tuple[Invariant, ...]:
    """Return all known invariants, sorted by id: S first, then L, then the others."""
    return tuple(sorted(INVARIANTS.all().values(), key=lambda invariant: sort_key(invariant.id)))


def judge(header: Header, events: Iterable[Event], level: Level = "extended") -> Judgement:
    """Judge the events by all invariants of the header's pattern and of a profile.

    Raises `BrokenHistory` if the events come from a broken file.
    """
    return judge_view(build_model(header, events), level)


def judge_view(view: RunModel, level: Level = "extended") -> Judgement:
    """Judge a history whose model is already built."""
    header, defects = view.header, list(_history_defects(view))
    verdicts = {
        invariant.id: _verdict(invariant, view, defects)
        for invariant in invariants()
        if header.pattern in invariant.patterns and within(invariant.level, level)
    }
    return Judgement(header, verdicts, view.names)


def _verdict(invariant: Invariant, view: RunModel, flaws: list[HistoryDefect]) -> Verdict:
    try:
        findings = list(invariant.check(view))
    except Exception as error:  # any error: a broken check has proved nothing
        findings = [unknown(f"the check itself has failed: {type(error).__name__}: {error}")]
    adjusted = [
        _apply_defects(finding, _relevant_defects(finding, flaws, view), invariant)
        for finding in _shorten(findings)
    ]
    reported = list(dict.fromkeys(finding for group in adjusted for finding in group))
    fault_log = view.fault_log
    if (
        fault_log.ended
        and fault_log.why
        and all(finding.outcome is Outcome.UNKNOWN for finding in reported)
    ):
        # First the reason why the run was broken off: the other unknowns follow from it.
        cause = unknown(f"the run was broken off: {brief(fault_log.why)}", fault_log.ended.id)
        reported = [cause, *(finding for finding in reported if finding != cause)]
    return Verdict(tuple(reported))


def _shorten(findings: Iterable[Finding]) -> list[Finding]:
    """Shorten the findings to `_MAX_LISTED` of each kind, plus the number of the others."""
    kinds: dict[tuple[Outcome, Subject], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.outcome, finding.subject), []).append(finding)
    shortened = []
    for (outcome, subject), group in kinds.items():
        shortened += group[:_MAX_LISTED]
        if len(group) > _MAX_LISTED:
            more = f"and {len(group) - _MAX_LISTED} more like these"
            suspect = any(dropped.suspect for dropped in group[_MAX_LISTED:])
            shortened.append(Finding(outcome, more, group[_MAX_LISTED].evidence, subject, suspect))
    return shortened


def _relevant_defects(
    finding: Finding, flaws: list[HistoryDefect], view: RunModel
) -> list[HistoryDefect]:
    """Return the defects that concern a finding: a failure drops those about other items.

    A pass covers all items, so a defect of any item can refute it.
    """
    items = {view.shows[event_id] for event_id in finding.evidence if event_id in view.shows}
    if finding.outcome is not Outcome.FAIL or not items:
        return flaws
    return [defect for defect in flaws if not defect.items or not items.isdisjoint(defect.items)]


def _apply_defects(
    finding: Finding, flaws: list[HistoryDefect], invariant: Invariant
) -> list[Finding]:
    """Return what remains of a finding if the history has these defects."""
    min_doubt = Confidence.PASS
    if finding.outcome is Outcome.FAIL:
        min_doubt = Confidence.ALL if invariant.valid_in_partial_history else Confidence.ABSENCE
    relevant = [
        defect
        for defect in flaws
        if defect.doubt >= min_doubt and not (defect.loss and invariant.judged_after_broker_loss)
    ]
    if finding.outcome is Outcome.UNKNOWN or not relevant:
        return [finding]
    if finding.outcome is Outcome.PASS:
        return [unknown(defect.reason, *defect.evidence) for defect in relevant]
    reasons = "; ".join(defect.reason for defect in relevant)
    return [unknown(f"{finding.reason}. This is not sure: {reasons}", *finding.evidence)]


def _history_defects(view: RunModel) -> Iterable[HistoryDefect]:
    fault_log = view.fault_log
    if fault_log.ended is None:
        yield HistoryDefect(Confidence.ABSENCE, "the run was broken off: its history has no end")
    elif fault_log.why:
        yield HistoryDefect(
            Confidence.ABSENCE,
            f"the run was broken off: {brief(fault_log.why)}",
            (fault_log.ended.id,),
        )
    for fault in view.header.faults:
        if fault not in fault_log.confirmed:
            yield HistoryDefect(Confidence.ALL, f"the fault {fault!r} was not seen to land")
    for gap in islice(fault_log.gaps, _MAX_LISTED):
        doubt = Confidence.ALL if gap.of in _REQUIRED_OBSERVERS else Confidence.ABSENCE
        yield HistoryDefect(doubt, f"{gap.of} has missed something: {gap.why}", (gap.ref.id,))
    for misunderstood in fault_log.not_understood:
        doubt = Confidence.ALL if misunderstood.guessed else Confidence.ABSENCE
        why = f"{misunderstood.of} was not understood: {misunderstood.why}"
        yield HistoryDefect(
            doubt, why, (misunderstood.ref.id,), items=frozenset(misunderstood.items)
        )
    for loss in fault_log.losses[:1]:
        # From then on items vanish, and a missing item is not the fault of any worker.
        why = "the broker has lost its data"
        yield HistoryDefect(Confidence.ABSENCE, why, (loss.back.id,), loss=True)
    if not view.enqueued:
        yield HistoryDefect(Confidence.PASS, "nothing was enqueued")
