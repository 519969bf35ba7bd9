"""Simulated runs: what is right is never found wrong, and each defect is found where it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks.judge import Judgement, judge
from harness.checks.verdict import Outcome, Subject
from harness.suites.unit.simulator.run import Plan, run

#: By pattern and fault: what a right worker has proved then.
PROVED = {
    ("fine", ""): "S1 S2 S3 S4 S6 S7 S9 S10 S12 S14 S15 S19 L2 L3 J1",
    ("coarse", ""): "S1 S2 S3 S6 S7 S9 S12 S13 S14 S15 S19 L2 L3",
    ("fine", "killed in work"): "S1 S4 S7 S8 S12 L1 L3",
    ("fine", "deleted in work"): "S1 S4 S7 S8 S12 L1 L3",
    ("fine", "frozen in work"): "S1 S4 S6 S7 S8 S12 L3",
    ("fine", "silent in work"): "S1 S4 S6 S7 S8 S12 L3 N1",
    ("coarse", "killed in work"): "S1 S7 S12 S13 L1 L3",
    ("coarse", "deleted in work"): "S1 S7 S12 S13 L1 L3",
    ("fine", "killed after settling"): "S1 S4 S7 S12 L3",
    ("fine", "cut in work"): "S1 S12 L3 L6",
    ("fine", "stopped in work"): "S1 S12 L3 L7",
    ("coarse", "stopped in work"): "S1 S12 S13 L3 L7",
    ("fine", "unreachable"): "S17 S12 L3",
    ("coarse", "unreachable"): "S17 S12 S13 L3",
    ("fine", "lost"): "S16",
    ("coarse", "lost"): "S16",
    # The Job waits for one completion more, as the task page says itself.
    ("coarse", "killed after settling"): "S1",
}

plans = st.builds(
    Plan,
    items=st.integers(2, 6),
    parallelism=st.integers(2, 3),
    work=st.floats(0.8, 5.0),
    lease=st.floats(4.0, 12.0),
    seed=st.integers(0, 2**16),
)
quickly = settings(max_examples=15, deadline=None)


def judged(plan: Plan) -> Judgement:
    return judge(*run(plan))


def blamed(judgement: Judgement) -> set[str]:
    """What is found against the worker."""
    return {
        name
        for name, verdict in judgement.verdicts.items()
        if verdict.about(Subject.WORKER).outcome is Outcome.FAIL
    }


@pytest.mark.parametrize(("pattern", "fault"), PROVED, ids=" ".join)
@quickly
@given(plan=plans)
def test_a_right_worker(pattern: str, fault: str, plan: Plan) -> None:
    judgement = judged(replace(plan, pattern=pattern, fault=fault))
    assert blamed(judgement) == set()
    proved = {name for name in PROVED[pattern, fault].split() if judgement.proved(name)}
    assert proved == set(PROVED[pattern, fault].split())


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
@quickly
@given(plan=plans)
def test_a_right_worker_with_a_failing_item(pattern: str, plan: Plan) -> None:
    judgement = judged(replace(plan, pattern=pattern, failing=True))
    assert blamed(judgement) == set()
    assert judgement.proved("S11")


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
@quickly
@given(plan=plans)
def test_a_right_worker_with_equal_items(pattern: str, plan: Plan) -> None:
    judgement = judged(replace(plan, pattern=pattern, equal=True))
    assert blamed(judgement) == set()
    assert judgement.proved("S14")


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
@quickly
@given(plan=plans)
def test_a_right_worker_beside_another_job(pattern: str, plan: Plan) -> None:
    judgement = judged(replace(plan, pattern=pattern, neighbour=True))
    assert blamed(judgement) == set()
    assert judgement.proved("S18")


@quickly
@given(plan=plans)
def test_a_loss_while_others_have_nothing_to_do(plan: Plan) -> None:
    """One item, so that they find nothing from the beginning; who leaves has left by then."""
    late = replace(plan, items=1, work=8.0, lease=12.0, fault="deleted in work")
    assert blamed(judged(late)) == set()
    assert judged(late).proved("L8")
    found = blamed(judged(replace(late, defect="leaves early")))
    assert "L8" in found
    assert found <= {"L8", "S1", "S9", "S10", "S12"}


@quickly
@given(plan=plans)
def test_an_item_that_is_given_back_for_ever(plan: Plan) -> None:
    """Where the others have their turn that is nothing against it; else they starve."""
    forever = replace(plan, parallelism=1, failing=True, work=0.5)
    found = blamed(judged(replace(forever, defect="gives back")))
    assert "L5" not in found
    found = blamed(judged(replace(forever, items=2, usual=3.0, defect="gives back to the head")))
    assert "L5" in found
    assert found <= {"L5", "L3", "S11"}


@quickly
@given(plan=plans)
def test_who_stays_away_when_its_connection_is_lost(plan: Plan) -> None:
    alone = replace(plan, parallelism=1, fault="cut in work", defect="stays away")
    found = blamed(judged(alone))
    assert "L6" in found
    assert found <= {"L6", "L1", "L2", "L3"}


@pytest.mark.parametrize("pattern", ["fine", "coarse"])
@quickly
@given(plan=plans)
def test_a_job_that_is_deleted(pattern: str, plan: Plan) -> None:
    after = replace(plan, pattern=pattern, deleted=True)
    assert blamed(judged(after)) == set()
    assert judged(after).proved("L9")
    assert blamed(judged(replace(after, defect="leaks"))) == {"L9"}


@quickly
@given(plan=plans)
def test_an_item_that_kills(plan: Plan) -> None:
    judgement = judged(replace(plan, poison=True))
    assert blamed(judgement) == set()
    assert judgement.proved("L4")
    judgement = judged(replace(plan, poison=True, defect="never sets aside"))
    assert "L4" in blamed(judgement)
    assert blamed(judgement) <= {"L4", "L1", "L3"}


def case(
    pattern: str,
    defect: str,
    must: str,
    may: str = "",
    /,
    *,
    fault: str = "",
    failing: bool = False,
) -> object:
    plan = Plan(pattern, defect=defect, fault=fault, failing=failing)
    name = "-".join(filter(None, (pattern, defect, fault))).replace(" ", "_")
    return pytest.param(plan, set(must.split()), set(may.split()), id=name)


@pytest.mark.parametrize(
    ("defective", "must", "may"),
    [
        case("fine", "pops", "S1", "S3 S9 S10 S12 L1", fault="killed in work"),
        case("fine", "settles first", "S1 S3", "S9 S10 S12 L1", fault="killed in work"),
        case("fine", "settles first", "S3", "S9 S10"),
        case("fine", "skips begun ones", "S1", "", fault="killed in work"),
        case("coarse", "skips begun ones", "S1 S9 S13", "", fault="killed in work"),
        case("fine", "never reclaims", "L1", "L3", fault="killed in work"),
        case("fine", "never reclaims", "N1", "L1 L3", fault="silent in work"),
        case("fine", "leaves early", "S9 S10", "S1 S12", fault=""),
        case("fine", "leaves early", "", "S1 S9 S10 S12 L1 L8", fault="killed in work"),
        case("fine", "swallows", "S11", "", failing=True),
        case("fine", "fabricates", "S2"),
        case("fine", "hoards", "L2"),
        case("fine", "never exits", "L3"),
        case("fine", "settles equal ones", "S14"),
        case("fine", "forks", "S19"),
        case("fine", "reads a part", "S15"),
        case("fine", "shares", "S18"),
        case("fine", "never settles", "S9 S12", "S1 S10 S11 L1 L3"),
        case("fine", "content alone", "S17", "S1 S9 S10 S12", fault="unreachable"),
        case("coarse", "content alone", "S17", "S1 S9 S12 S13 L3", fault="unreachable"),
        case("fine", "trusts empty", "S16", "", fault="lost"),
        case("coarse", "trusts empty", "S16", "", fault="lost"),
        case("fine", "leaves when stopped", "L7", "S1 S9 S10 S12 L3", fault="stopped in work"),
        case(
            "coarse", "leaves when stopped", "L7", "S1 S9 S11 S12 S13 L3", fault="stopped in work"
        ),
        case("fine", "settles late", "S4", "", fault="frozen in work"),
        case("fine", "settles by name", "S5", "S4", fault="frozen in work"),
        case("fine", "takes over early", "S7 S8", "S4", fault="frozen in work"),
        case("fine", "leases later", "S7 S8"),
        case("fine", "looks first", "S6", "S4 S7", fault="frozen in work"),
        case("coarse", "pops", "S1", "S3 S12 L1", fault="killed in work"),
        case("coarse", "settles first", "S1 S3", "S12 L1", fault="killed in work"),
        case("coarse", "hides failures", "S11", "S1 S9 S12 S13", failing=True),
        case("coarse", "swallows", "S11", "", failing=True),
        case("coarse", "takes two", "S9 S13", "S12 L3"),
        case("coarse", "hoards", "L2"),
        case("coarse", "purges", "S14", "L2 L3"),
        case("coarse", "reads a part", "S15"),
        case("coarse", "shares", "S18", "L3"),
        case("coarse", "forks", "S19", "S9 S13 S12 L3"),
        case("coarse", "never settles", "S9 S13", "S1 S11 S12 L1 L3"),
    ],
)
@quickly
@given(plan=plans)
def test_a_defect_is_found(defective: Plan, must: set[str], may: set[str], plan: Plan) -> None:
    """And nothing else is, but what follows from it."""
    same = replace(
        plan,
        pattern=defective.pattern,
        defect=defective.defect,
        fault=defective.fault,
        failing=defective.failing,
    )
    found = blamed(judged(_showing(same)))
    assert must <= found
    assert found <= must | may


def _showing(plan: Plan) -> Plan:
    """The plan, such that its defect shows."""
    shows: dict[str, dict[str, Any]] = {
        # one works on, for longer than the exit is uncertain
        "leaves early": {"items": plan.parallelism * 2 + 1, "work": max(plan.work, 3.5)},
        # others wait, for longer than the bound
        "hoards": {"items": 2, "parallelism": 2, "work": 30.0, "usual": plan.work},
        # nobody is there to take it over meanwhile
        "settles late": {"items": 1, "parallelism": 1},
        # another has looked by then, and has not yet taken it
        "looks first": {"items": 2, "parallelism": 2, "work": 1.2},
        # who has taken it over is at work on it
        "settles by name": {"items": 2, "parallelism": 2, "work": 1.2},
        # and has nothing else to do
        "takes over early": {"items": 2, "parallelism": 2, "work": 1.2},
        "leases later": {"items": 1, "parallelism": 2},
        # another Job is there
        "shares": {"neighbour": True},
        # there are two at the first moment, for whoever comes first
        "forks": {"items": max(plan.items, 2 * plan.parallelism)},
        # some have nobody who might have finished them
        "trusts empty": {"items": plan.parallelism + 2},
        # two have one at the same time
        "settles equal ones": {"items": 4, "equal": True},
        # somebody else's are waiting then
        "purges": {"items": plan.parallelism + 2},
    }
    return replace(plan, **shows.get(plan.defect, {}))


def test_a_coarse_worker_that_is_not_content_with_an_empty_queue() -> None:
    plan = Plan("coarse", items=1, parallelism=2, completions=2, defect="leaves on empty")
    assert blamed(judged(plan)) == {"S9", "S13"}


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        pytest.param(Plan("coarse", items=4, completions=2), {"S1", "S12", "L3"}, id="too few"),
        pytest.param(Plan("coarse", items=2, completions=4), {"L3"}, id="too many"),
        pytest.param(Plan("fine", items=4, completions=4), {"J1"}, id="any at all"),
    ],
)
def test_completions_that_do_not_match(plan: Plan, found: set[str]) -> None:
    """That is nothing against the worker."""
    judgement = judged(plan)
    assert blamed(judgement) == set()
    verdicts = judgement.verdicts.items()
    assert {name for name, verdict in verdicts if verdict.outcome is Outcome.FAIL} == found


@quickly
@given(plan=plans)
def test_killed_between_settling_and_exit(plan: Plan) -> None:
    judgement = judged(replace(plan, pattern="coarse", fault="killed after settling"))
    (finding,) = judgement["L3"].findings
    assert finding.subject is Subject.PATTERN
