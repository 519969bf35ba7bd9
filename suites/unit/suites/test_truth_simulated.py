"""Right and wrong workers in disguise: what is said of them does not hang on how they look."""

from __future__ import annotations

import os

import pytest

from harness.checks.plan import scenarios as planned
from harness.suites.truth.disguises import BOTH, DISGUISES, Pattern
from harness.suites.truth.sample import sample
from harness.suites.truth.verdicts import LEFT_OUT, right, scenarios
from harness.suites.truth.workers import DEFECTS, Defect, Stranger
from harness.suites.unit.simulator.truth import check

PLAIN = DISGUISES[0]


@pytest.mark.parametrize("pattern", BOTH)
def test_a_right_worker_is_clean(pattern: Pattern) -> None:
    stranger = Stranger(pattern, PLAIN)
    verdict = check(stranger)
    assert right(stranger, verdict) == "clean", verdict


#: What the core profile names rightly of whoever looks as on the page.
SHOWN = (
    "pops",
    "settles first",
    "settles midway",
    "never takes over",
    "leaves early",
    "leaves on empty",
    "swallows",
    "hides failures",
    "never settles",
    "never exits",
)


@pytest.mark.parametrize(
    ("pattern", "defect"),
    [
        pytest.param(pattern, defect, id=f"{pattern}-{defect.name}")
        for defect in DEFECTS
        for pattern in defect.patterns
        if defect.name in SHOWN
    ],
)
def test_a_defect_is_named(pattern: Pattern, defect: Defect) -> None:
    stranger = Stranger(pattern, PLAIN, defect)
    verdict = check(stranger)
    assert right(stranger, verdict) == "named", verdict


#: Where no line tells when it was said, or nothing is said, much stays unknown.
MUTE = ("no lines", "lines at the end", "lines late")
#: Pairs that are unknown all the same, and why.
UNKNOWN = {
    # Which of equal items a line is about nobody can say.
    "fine, equal, skips what comes again",
    "coarse, equal, skips what comes again",
    "fine, equal, hoards",
    "coarse, equal, hoards",
    # A foreign item of several words is not told from chatter.
    "fine, json items, works on another",
    "coarse, json items, works on another",
    # A transaction that fails is tried again: whose attempt was settled is not known.
    "fine, MULTI, hoards",
}
#: So many of all pairs (about a thousand), or `all`.
PAIRS = os.environ.get("QUEUEJOB_SIMULATED_PAIRS", "120")


@pytest.mark.parametrize("stranger", sample(PAIRS, "7", simulated=True), ids=lambda one: one.name)
def test_a_disguise_changes_no_verdict(stranger: Stranger) -> None:
    """A defective worker is never clean, a correct one never accused; what is unknown is listed."""
    verdict = check(stranger)
    found = right(stranger, verdict)
    if stranger.disguise.name in MUTE or stranger.name in UNKNOWN:
        assert found in ("named", "clean", "unknown"), verdict
    else:
        assert found in ("named", "clean"), verdict


def test_there_are_disguises_enough() -> None:
    names = [one.name for one in DISGUISES]
    assert len(names) == len(set(names)) >= 20


@pytest.mark.parametrize("pattern", BOTH)
def test_the_core_profile_is_played(pattern: Pattern) -> None:
    assert {*scenarios(pattern), *LEFT_OUT} == {*planned(pattern)}
