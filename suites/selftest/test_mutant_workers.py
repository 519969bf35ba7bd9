"""Every mutant fits the worker that it is made of, and says what is wrong with it."""

from __future__ import annotations

import re

import pytest

from harness import manifests, shell
from harness.images import mutant
from harness.images.recipe import Catalogue

CATALOGUE = Catalogue(manifests.folder() / "images")
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
            shell.run(["bash", "-n"], timeout=30, stdin=text)


@pytest.mark.parametrize("name", DEFECTIVE)
def test_what_must_be_found_and_what_may_follow_are_two_things(name: str) -> None:
    one = CATALOGUE.mutants[name]
    found = [*one.must, *one.may]
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[SLJN]\d+", invariant) for invariant in found)


def test_no_mutant_has_the_name_of_another_recipe() -> None:
    recipes = {file.parent.name for file in CATALOGUE.folder.glob("*/recipe.yaml")}
    assert not recipes & set(CATALOGUE.mutants)
