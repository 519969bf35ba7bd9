"""A verdict is as bad as its worst finding, and is kept whole."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.verdict import (
    Finding,
    Outcome,
    Subject,
    Verdict,
    failed,
    passed,
    unknown,
)

FINDINGS = st.builds(
    Finding,
    st.sampled_from(Outcome),
    st.sampled_from(["lost", "late"]),
    st.sets(st.integers(1, 9), min_size=1).map(lambda ids: tuple(sorted(ids))),
    st.sampled_from(Subject),
)
VERDICTS = st.lists(FINDINGS, unique=True, max_size=4).map(lambda found: Verdict(tuple(found)))


def test_the_order() -> None:
    assert Outcome.PASS < Outcome.UNKNOWN < Outcome.FAIL


def test_nothing_looked_at_is_not_a_pass() -> None:
    assert Verdict().outcome is Outcome.UNKNOWN
    assert Verdict((passed("all 9 items were settled"),)).outcome is Outcome.PASS


def test_the_worst_finding_counts() -> None:
    verdict = Verdict((passed("fig is settled", 4), unknown("no start of date was seen", 2)))
    assert verdict.outcome is Outcome.UNKNOWN
    worse = Verdict((*verdict.findings, failed("melon is lost", 7, 3, 7)))
    assert worse.outcome is Outcome.FAIL
    assert worse.findings[-1] == Finding(
        Outcome.FAIL, "melon is lost", evidence=(3, 7), subject=Subject.WORKER
    )


def test_findings_can_be_told_by_subject() -> None:
    job = failed("completions is 7 and there are 8 items", 1, subject=Subject.JOB)
    worker = failed("melon is lost", 2)
    verdict = Verdict((job, worker))
    assert verdict.about(Subject.WORKER) == Verdict((worker,))
    assert verdict.about(Subject.JOB, Subject.PATTERN) == Verdict((job,))


@pytest.mark.parametrize(
    ("outcome", "reason", "evidence", "wrong"),
    [
        (Outcome.PASS, "", (1,), "without a reason"),
        (Outcome.FAIL, "lost", (), "without evidence"),
        (Outcome.FAIL, "lost", (2, 1), "not in order"),
        (Outcome.UNKNOWN, "no log", (1, 1), "not in order"),
    ],
)
def test_a_finding_has_what_a_reader_needs(
    outcome: Outcome, reason: str, evidence: tuple[int, ...], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        Finding(outcome, reason, evidence)


@given(VERDICTS)
def test_a_verdict_is_as_bad_as_its_worst_finding(verdict: Verdict) -> None:
    outcomes = [finding.outcome for finding in verdict.findings]
    assert verdict.outcome == max(outcomes, default=Outcome.UNKNOWN)


@given(VERDICTS)
def test_a_verdict_can_be_kept(verdict: Verdict) -> None:
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict
