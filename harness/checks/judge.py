"""Judges a history: a verdict for each invariant of its pattern. Pure, and the same every time."""

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

#: Findings of one kind that are told one by one; of the rest, only how many there are.
_TOLD = 5
#: Without these observers nothing that was not seen can be relied upon, nor what was.
_REQUIRED_OBSERVERS = ("tap", "monitor", "replica")


class Confidence(IntEnum):
    """How much a defect of the history takes away."""

    #: What was seen stands, but it proves nothing.
    PASS = 1
    #: Only failures that are shown by what was seen stand.
    ABSENCE = 2
    #: Nothing stands.
    ALL = 3


@dataclass(frozen=True)
class HistoryDefect:
    """Something is wrong with the history itself."""

    doubt: Confidence
    reason: str
    evidence: tuple[int, ...] = ()
    #: It is the broker's loss of its data, which is what some invariants are about.
    loss: bool = False
    #: It is about these items only; none means all.
    items: frozenset[Payload] = frozenset()


@dataclass(frozen=True)
class Judgement:
    """What the invariants say about one history, by their ids; and who is who in it."""

    header: Header
    verdicts: Mapping[str, Verdict]
    names: WorkerNames

    def __getitem__(self, name: str) -> Verdict:
        return self.verdicts[name]

    def attributed_to_image(self, name: str) -> Verdict:
        """The verdict, without the failures that are not the image's, nor of the user's own Job.

        What the pattern itself cannot do is nobody's fault, whoever wrote the Job.
        """
        asked = {Subject.WORKER, *([Subject.JOB] if self.header.own_job else [])}
        return Verdict(
            tuple(
                one
                for one in self.verdicts[name].findings
                if one.outcome is not Outcome.FAIL or one.subject in asked
            )
        )

    def violated(self, level: Level = "extended") -> bool:
        """Whether a guarantee is broken by the worker, or by what a user's own Job asks for.

        One of a profile, that is.
        """
        asked = {one.id for one in invariants() if within(one.level, level)}
        return any(
            self.attributed_to_image(name).outcome is Outcome.FAIL
            for name in asked & {*self.verdicts}
        )

    def outcome(self, name: str) -> Outcome:
        """What a test says by it: broken, proved, or neither."""
        if name in self.verdicts and self.attributed_to_image(name).outcome is Outcome.FAIL:
            return Outcome.FAIL
        return Outcome.PASS if self.proved(name) else Outcome.UNKNOWN

    def suspect(self, name: str) -> bool:
        """Whether it is unknown, and not for want of anything to look at: something speaks
        against the worker, so this counts whatever the scenario is to prove."""
        if name not in self.verdicts or self.outcome(name) is not Outcome.UNKNOWN:
            return False
        return any(one.suspect for one in self.attributed_to_image(name).findings)

    def proved(self, name: str) -> bool:
        """Whether this invariant was looked at, and all that is wrong is others' fault."""
        verdict, rest = self.verdicts.get(name, Verdict()), Outcome.PASS
        if verdict.findings and (blamed := self.attributed_to_image(name)).findings:
            rest = blamed.outcome
        return bool(verdict.findings) and rest is Outcome.PASS


@cache
def invariants() -> tuple[Invariant, ...]:
    """All that are known, in the order of their ids: those of S, then L, then the others."""
    return tuple(sorted(INVARIANTS.all().values(), key=lambda one: sort_key(one.id)))


def judge(header: Header, events: Iterable[Event], level: Level = "extended") -> Judgement:
    """Judge the events by all invariants of the header's pattern and of a profile.

    Raises `BrokenHistory` where the events come from a file that is broken.
    """
    return judge_view(build_model(header, events), level)


def judge_view(view: RunModel, level: Level = "extended") -> Judgement:
    """The same, of a history that is digested already."""
    header, flaws = view.header, list(_flaws(view))
    verdicts = {
        one.id: _verdict(one, view, flaws)
        for one in invariants()
        if header.pattern in one.patterns and within(one.level, level)
    }
    return Judgement(header, verdicts, view.names)


def _verdict(invariant: Invariant, view: RunModel, flaws: list[HistoryDefect]) -> Verdict:
    try:
        findings = list(invariant.check(view))
    except Exception as error:  # whatever it is: a checker that breaks has proved nothing
        findings = [unknown(f"the check itself has failed: {type(error).__name__}: {error}")]
    doubted = [_doubted(one, _of(one, flaws, view), invariant) for one in _short(findings)]
    told = list(dict.fromkeys(one for some in doubted for one in some))
    course = view.fault_log
    if course.ended and course.why and all(one.outcome is Outcome.UNKNOWN for one in told):
        # First of all what has stopped the run: what else was not seen follows from that.
        first = unknown(f"the run was broken off: {brief(course.why)}", course.ended.id)
        told = [first, *(one for one in told if one != first)]
    return Verdict(tuple(told))


def _short(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, of one kind no more than `_TOLD`, and the number of the others."""
    kinds: dict[tuple[Outcome, Subject], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.outcome, finding.subject), []).append(finding)
    told = []
    for (outcome, subject), some in kinds.items():
        told += some[:_TOLD]
        if len(some) > _TOLD:
            more = f"and {len(some) - _TOLD} more like these"
            suspect = any(one.suspect for one in some[_TOLD:])
            told.append(Finding(outcome, more, some[_TOLD].evidence, subject, suspect))
    return told


def _of(finding: Finding, flaws: list[HistoryDefect], view: RunModel) -> list[HistoryDefect]:
    """The flaws, without those of other items than a failure is about.

    What was proved was proved of all items, so any of them may stand against it.
    """
    about = {view.shows[one] for one in finding.evidence if one in view.shows}
    if finding.outcome is not Outcome.FAIL or not about:
        return flaws
    return [flaw for flaw in flaws if not flaw.items or not about.isdisjoint(flaw.items)]


def _doubted(finding: Finding, flaws: list[HistoryDefect], invariant: Invariant) -> list[Finding]:
    """What is left of a finding when the history has these flaws."""
    least = Confidence.PASS
    if finding.outcome is Outcome.FAIL:
        least = Confidence.ALL if invariant.valid_in_partial_history else Confidence.ABSENCE
    against = [
        flaw
        for flaw in flaws
        if flaw.doubt >= least and not (flaw.loss and invariant.judged_after_broker_loss)
    ]
    if finding.outcome is Outcome.UNKNOWN or not against:
        return [finding]
    if finding.outcome is Outcome.PASS:
        return [unknown(flaw.reason, *flaw.evidence) for flaw in against]
    whys = "; ".join(flaw.reason for flaw in against)
    return [unknown(f"{finding.reason}. This is not sure: {whys}", *finding.evidence)]


def _flaws(view: RunModel) -> Iterable[HistoryDefect]:
    course = view.fault_log
    if course.ended is None:
        yield HistoryDefect(Confidence.ABSENCE, "the run was broken off: its history has no end")
    elif course.why:
        yield HistoryDefect(
            Confidence.ABSENCE, f"the run was broken off: {brief(course.why)}", (course.ended.id,)
        )
    for fault in view.header.faults:
        if fault not in course.confirmed:
            yield HistoryDefect(Confidence.ALL, f"the fault {fault!r} was not seen to land")
    for gap in islice(course.gaps, _TOLD):
        doubt = Confidence.ALL if gap.of in _REQUIRED_OBSERVERS else Confidence.ABSENCE
        yield HistoryDefect(doubt, f"{gap.of} has missed something: {gap.why}", (gap.ref.id,))
    for odd in course.not_understood:
        doubt = Confidence.ALL if odd.guessed else Confidence.ABSENCE
        why = f"{odd.of} was not understood: {odd.why}"
        yield HistoryDefect(doubt, why, (odd.ref.id,), items=frozenset(odd.items))
    for loss in course.losses[:1]:
        # From then on items vanish, and nobody can be blamed for what does not come.
        why = "the broker has lost its data"
        yield HistoryDefect(Confidence.ABSENCE, why, (loss.back.id,), loss=True)
    if not view.enqueued:
        yield HistoryDefect(Confidence.PASS, "nothing was enqueued")
