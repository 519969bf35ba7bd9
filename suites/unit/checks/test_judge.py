"""The judge: what a defect of the history itself does to its verdicts; files, and what is told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.checks import judge as judging_module
from harness.checks.invariant import Invariant
from harness.checks.judge import invariants, judge
from harness.checks.model import RunModel
from harness.checks.verdict import Finding, Outcome, Subject, failed, passed
from harness.cli.judge import judge_files
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_VIOLATED
from harness.history import Figures, NotUnderstood
from harness.suites.unit.dsl.history import KILLED, Tale, good_coarse, good_fine

IDS = ["S1", "S2", "S3", "S9", "S11", "S12", "S13", "L1", "L2", "L3", "J1"]


def test_all_invariants_in_order() -> None:
    assert [one.id for one in invariants() if one.level == "core"] == IDS
    numbers = [(one.id[0], int(one.id[1:])) for one in invariants()]
    assert numbers == sorted(numbers, key=lambda one: ("SLJN".index(one[0]), one[1]))


def test_each_pattern_has_its_own() -> None:
    fine, coarse = good_fine(), good_coarse()
    assert [*judge(fine.header, fine.events, "core").verdicts] == [x for x in IDS if x != "S13"]
    assert [*judge(coarse.header, coarse.events, "core").verdicts] == IDS[:-1]
    extended = judge(coarse.header, coarse.events).verdicts.keys()
    assert extended - {*IDS} <= {one.id for one in invariants() if "coarse" in one.patterns}


def outcomes(tale: Tale) -> dict[str, Outcome]:
    verdicts = judge(tale.header, tale.events).verdicts
    return {name: verdict.outcome for name, verdict in verdicts.items()}


def bad() -> Tale:
    """S1 by what is missing, and S3 by what was seen."""
    tale = Tale("fine", figures=Figures(work=2.0, settles_after_work=False))
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.given(1, "a", "banana")
    tale.settled(1, "a", "banana")
    tale.began(1, "a", "banana")  # its log is live, so its end line is not just late
    tale.finished(3, "a", "banana")
    tale.given(3, "a", "apple")
    tale.settled(3.1, "a", "apple")
    tale.exited(3.5, "a", KILLED)
    return tale


def test_the_whole_history() -> None:
    tale = bad()
    tale.over(9)
    assert outcomes(tale)["S1"] is Outcome.FAIL
    assert outcomes(tale)["S3"] is Outcome.FAIL


@pytest.mark.parametrize("why", [None, "the cluster is gone"])
def test_half_a_history_proves_nothing(why: str | None) -> None:
    """What was seen stands; what was not might have come."""
    tale = bad()
    if why is not None:
        tale.over(9, why)
    assert outcomes(tale)["S1"] is Outcome.UNKNOWN
    assert outcomes(tale)["S3"] is Outcome.FAIL
    good = good_fine()
    good.events.pop()
    assert set(outcomes(good).values()) == {Outcome.UNKNOWN}


def test_a_reason_stays() -> None:
    tale = bad()
    tale.over(9, "the cluster is gone")
    (finding,) = [
        one for one in tale.judged("S1").findings if one.evidence and "apple" in one.reason
    ]
    assert "the cluster is gone" in finding.reason


@pytest.mark.parametrize("of", ["tap", "monitor", "replica"])
def test_a_blind_tap(of: str) -> None:
    for tale in (bad(), good_fine()):
        if tale.events[-1].what != good_fine().events[-1].what:
            tale.over(9)
        tale.missed(9, of)
        assert set(outcomes(tale).values()) == {Outcome.UNKNOWN}


def test_other_gaps_take_away_what_was_not_seen() -> None:
    tale = bad()
    tale.missed(4, "logs")
    tale.over(9)
    assert outcomes(tale)["S1"] is Outcome.UNKNOWN
    assert outcomes(tale)["S3"] is Outcome.FAIL


@pytest.mark.parametrize("about", [(), ("apple",), ("banana",)])
def test_what_was_not_understood_about_one_item_doubts_only_what_is_said_of_it(
    about: tuple[str, ...],
) -> None:
    tale = bad()
    tale.over(12)
    assert outcomes(tale)["S1"] is Outcome.FAIL
    tale.put(10, "tap", NotUnderstood(1, "broker", "no command", "x", 1, items=about))
    failing = judge(tale.header, tale.events)["S1"].outcome is Outcome.FAIL
    assert failing is (about == ("banana",))  # it is apple that is lost


def test_what_was_proved_is_doubted_by_a_command_about_any_item() -> None:
    tale = good_fine()
    assert outcomes(tale)["S1"] is Outcome.PASS
    tale.put(2, "tap", NotUnderstood(1, "broker", "no command", "x", 1, items=("apple",)))
    assert outcomes(tale)["S1"] is Outcome.UNKNOWN


def test_of_too_many_items_that_were_not_understood_any_may_be_concerned() -> None:
    tale = bad()
    tale.over(12)
    for number in range(30):
        what = NotUnderstood(1, "broker", "no command", "x", 1, items=(f"i{number}",))
        tale.put(10, "tap", what)
    assert outcomes(tale)["S1"] is Outcome.UNKNOWN


def test_bytes_that_were_not_understood() -> None:
    tale = good_fine()
    tale.put(10, "tap", NotUnderstood(1, "broker", "no command", "\x00", 1))
    assert set(outcomes(tale).values()) == {Outcome.UNKNOWN}


def test_where_items_cannot_be_read_nothing_is_proved() -> None:
    """Neither way: also what was seen, S3 for one, is a guess."""
    tale = bad()
    told = outcomes(tale)
    tale.put(1, "tap", NotUnderstood(1, "broker", "unknown command", "\x00", 1))
    assert told["S3"] is outcomes(tale)["S3"] is Outcome.FAIL
    tale.put(1, "tap", NotUnderstood(1, "broker", "no item in it", "\x00", 1, guessed=True))
    assert set(outcomes(tale).values()) == {Outcome.UNKNOWN}


def test_a_fault_that_did_not_land() -> None:
    for tale in (bad(), good_fine()):
        tale.header = msgspec.structs.replace(tale.header, faults=("killed",))
        tale.over(10)
        assert set(outcomes(tale).values()) == {Outcome.UNKNOWN}
        tale.harmed(11, "killed")
        assert set(outcomes(tale).values()) != {Outcome.UNKNOWN}


def test_nothing_was_enqueued() -> None:
    """That proves nothing; and yet nobody may exit with 0 for no message."""
    tale = Tale("coarse")
    tale.came(1, "a")
    tale.exited(2, "a")
    tale.job(3, "Complete")
    tale.left(4)
    tale.over(9)
    found = outcomes(tale)
    assert found["S12"] is Outcome.UNKNOWN
    assert found["S13"] is Outcome.FAIL


# -- checks that break, or find much ------------------------------------------------------------


def only(check: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finding]:
    assert callable(check)
    one = Invariant("X1", "a test", ("fine",), check)
    monkeypatch.setattr(judging_module, "invariants", lambda: (one,))
    tale = good_fine()
    return iter(tale.judged("X1").findings)


def test_a_check_that_breaks_has_proved_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: RunModel) -> Iterator[Finding]:
        yield passed("so far")
        raise ZeroDivisionError("a mistake")

    (finding,) = only(check, monkeypatch)
    assert finding.outcome is Outcome.UNKNOWN
    assert "ZeroDivisionError: a mistake" in finding.reason


def test_of_many_findings_a_few_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: RunModel) -> Iterator[Finding]:
        for number in range(1, 101):
            yield failed(f"number {number}", number)
        yield failed("the Job", 1, subject=Subject.JOB)

    reasons = [finding.reason for finding in only(check, monkeypatch)]
    assert reasons == [*(f"number {n}" for n in range(1, 6)), "and 95 more like these", "the Job"]


# -- whose fault --------------------------------------------------------------------------------


def mismatched(*, own_job: bool) -> Tale:
    tale = Tale("coarse", completions=1, own_job=own_job)
    tale.sent("apple", "banana")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.exited(3, "a")
    tale.job(4, "Complete", succeeded=1)
    tale.left(5, "banana")
    tale.over(9)
    return tale


def test_whose_fault_it_is() -> None:
    """The built-in Job's is nobody's, the user's own is the user's."""
    for own_job in (False, True):
        tale = mismatched(own_job=own_job)
        judgement = judge(tale.header, tale.events)
        assert judgement["S12"].outcome is Outcome.FAIL
        assert judgement.violated() is own_job
        assert judgement.proved("S12") is not own_job
        assert not judgement.proved("L1")


def test_a_limit_of_the_pattern_is_nobodys_fault() -> None:
    """A message whose worker was killed before its exit is no completion: whoever wrote the Job."""
    tale = Tale("coarse", completions=1, own_job=True, faults=("killed",))
    tale.sent("apple")
    tale.came(1, "a")
    tale.worked(1, "a", "apple")
    tale.harmed(3, "killed", "a")
    tale.killed(3, "a")
    tale.job(4)
    tale.over(80)
    judgement = judge(tale.header, tale.events)
    assert [one.subject for one in judgement["L3"].findings] == [Subject.PATTERN]
    assert judgement.proved("L3")
    assert not judgement.violated()


def test_what_has_stopped_a_run_is_told_first() -> None:
    tale = good_fine()
    tale.events.pop()
    tale.over(20, "no worker gets to run: the Job is suspended\n  saw: nothing")
    reasons = [one.reason for one in tale.judged("S11").findings]
    assert reasons[0] == "the run was broken off: no worker gets to run: the Job is suspended"


# -- files --------------------------------------------------------------------------------------


def save(tale: Tale, path: Path) -> Path:
    lines = [msgspec.json.encode(one) for one in (tale.header, *tale.events)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_files_give_the_same_verdicts_and_an_exit_code(tmp_path: Path) -> None:
    out = io.StringIO()
    good = save(good_fine(), tmp_path / "good")
    assert judge_files([good], out, lambda _: ("S1", "S9")) == EXIT_OK
    assert judge_files([good], out) == EXIT_NOT_PROVED
    tale = bad()
    tale.over(9)
    assert judge_files([good, save(tale, tmp_path / "bad")], out) == EXIT_VIOLATED


def test_the_story_is_told(tmp_path: Path) -> None:
    out, tale = io.StringIO(), bad()
    tale.over(9)
    judge_files([save(tale, tmp_path / "bad")], out)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "S1 no loss FAIL" in lines
    at = lines.index("3.10 s worker 1 (pod pod-a, run 0) settled apple")
    assert lines[at - 1] == "3.00 s worker 1 (pod pod-a, run 0) was given apple"
    assert lines[at + 1] == "3.50 s worker 1 (pod pod-a, run 0) ended with exit code 137 (killed)"


def test_a_broken_file_is_told_and_the_others_are_judged(tmp_path: Path) -> None:
    out = io.StringIO()
    broken = tmp_path / "broken"
    broken.write_bytes(save(good_fine(), tmp_path / "good").read_bytes()[:-3])
    paths = [broken, tmp_path / "none", tmp_path / "good"]
    assert judge_files(paths, out, lambda _: ("S1",)) == EXIT_NOT_PROVED
    assert "the last line is cut off" in out.getvalue()
    assert "cannot be read" in out.getvalue()
    assert "a scenario, fine, my/worker:1" in out.getvalue()
