"""Right and wrong workers in disguise: what is said of them does not hang on how they look."""

from __future__ import annotations

import pytest
from simulator.truth import check

from harness import campaign
from harness.suites.truth.disguises import BOTH, DISGUISES, Pattern
from harness.suites.truth.verdicts import LEFT_OUT, right, scenarios
from harness.suites.truth.workers import DEFECTS, Defect, Stranger

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


def test_there_are_disguises_enough() -> None:
    names = [one.name for one in DISGUISES]
    assert len(names) == len(set(names)) >= 20


@pytest.mark.parametrize("pattern", BOTH)
def test_the_core_profile_is_played(pattern: Pattern) -> None:
    assert {*scenarios(pattern), *LEFT_OUT} == {*campaign.scenarios(pattern)}
