"""Every mutant fits the worker that it is made of, and says what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from harness import manifests
from harness.checks.judge import invariants
from harness.checks.plan import FAULT_FREE, scenarios
from harness.core import commands
from harness.infra.images import mutant
from harness.infra.images.recipe import Catalogue
from harness.suites.verdicts.cases import Case, all_cases, quick_cases

CATALOGUE = Catalogue(manifests.folder() / "images")
CORE = {one.id for one in invariants() if one.level == "core"}
#: Those whose defect a judge has to find; the others are for what comes before judging.
DEFECTIVE = [name for name, one in CATALOGUE.mutants.items() if one.must]


@pytest.mark.parametrize("name", CATALOGUE.mutants)
def test_a_mutant_fits_what_it_is_made_of(name: str) -> None:
    one = CATALOGUE.mutants[name]
    assert one.changes or one.command
    assert one.says.endswith(".")
    for file, text in mutant.changed(name, one, CATALOGUE.context(one.of)).items():
        if file.endswith(".py"):
            compile(text, file, "exec")
        else:
            commands.run(["bash", "-n"], timeout=30, stdin=text)


@pytest.mark.parametrize("name", DEFECTIVE)
def test_what_must_be_found_and_what_may_follow_are_two_things(name: str) -> None:
    one = CATALOGUE.mutants[name]
    found = [*one.must, *one.may]
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[SLJN]\d+", invariant) for invariant in found)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.recipe) for case in all_cases()])
def test_a_worker_is_played_in_scenarios_of_its_pattern(case: Case) -> None:
    assert set(case.scenarios) <= set(scenarios(case.pattern, case.level))
    assert case.scenarios[0] == FAULT_FREE


def test_no_two_mutants_make_the_same_change() -> None:
    made = [(one.of, frozenset(one.changes), one.command) for one in CATALOGUE.mutants.values()]
    assert len(made) == len(set(made))


def test_each_core_invariant_is_broken_by_three() -> None:
    """But for J1, which is the Job's."""
    broken = Counter(name for case in all_cases() for name in case.must)
    assert {name for name in CORE if broken[name] < 3} == {"J1"}


def test_the_quick_ones_break_each_core_invariant() -> None:
    """But for J1, which is the Job's: a test of its own sees to that one."""
    broken = {name for case in quick_cases() for name in case.must}
    assert CORE - broken == {"J1"}


def test_no_mutant_has_the_name_of_another_recipe() -> None:
    recipes = {file.parent.name for file in CATALOGUE.folder.glob("*/recipe.yaml")}
    assert not recipes & set(CATALOGUE.mutants)
