"""Every guarantee is explained, from one source, and that source is true of what it cites."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import guarantees
from harness.checks.judge import invariants
from harness.checks.plan import scenarios
from harness.cli.main import main

DOCS = Path(__file__).parents[4] / "docs"


def test_every_invariant_that_is_judged_is_explained_under_its_own_name() -> None:
    told = {one.id: (one.name, set(one.patterns)) for one in guarantees.guarantees()}
    for invariant in invariants():
        assert told.get(invariant.id) == (invariant.name, set(invariant.patterns))


@pytest.mark.parametrize("one", guarantees.guarantees(), ids=lambda one: one.id)
def test_the_worker_s_lines_are_there_and_few(one: guarantees.Guarantee) -> None:
    assert one.excerpts
    for cut in one.excerpts:
        assert 1 <= len(cut.text.splitlines()) <= 13
        assert max(map(len, cut.text.splitlines())) <= 120


def test_what_shows_it_is_what_the_scenarios_say_themselves() -> None:
    for one in guarantees.guarantees():
        expected = {
            (scenario.name, pattern)
            for pattern in ("coarse", "fine")
            for scenario in scenarios(pattern, "extended").values()
            if one.judged and one.id in scenario.proves[pattern]
        }
        told = {(shown.scenario, pattern) for shown in one.shown_by for pattern in shown.patterns}
        assert told == expected
        assert told or not one.judged


def test_the_docs_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--markdown"]) == 0
    made = capsys.readouterr().out
    written = (DOCS / "guarantees.md").read_text(encoding="utf-8")
    assert written == made, "queuejob explain --markdown > docs/guarantees.md"


def test_one_is_told_whole_and_in_either_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "s9"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("S9  truthful exit (coarse, fine)\n")
    assert "both.llen(ready).zcard(leases).execute()) == [0, 0]" in said
    assert "last-lease (coarse, fine): a worker finds nothing to do while another holds" in said


def test_all_are_listed_and_those_that_nobody_judges_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain"]) == 0
    said = capsys.readouterr().out
    for one in guarantees.guarantees():
        assert f"{one.id:<4}{one.name}{'' if one.judged else ' (not judged yet)'}\n" in said


def test_an_unknown_one_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "S99"]) == 4
    error = capsys.readouterr().err
    assert "there is no guarantee 'S99'" in error
    assert "did you mean 'S9'?" in error


def test_a_finding_s_link_leads_to_its_explanation() -> None:
    written = (DOCS / "guarantees.md").read_text(encoding="utf-8")
    for one in guarantees.guarantees():
        assert f'<a id="{guarantees.link(one.id).removeprefix("#")}"></a>' in written
        assert guarantees.command(one.id).split() == ["queuejob", "explain", one.id]
