"""The detection matrix: what each cell says, and that table and picture say the same."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.suites.mutants.matrix import SIGNS, Matrix, Row, lines, markdown
from harness.suites.mutants.picture import draw
from harness.suites.verdicts.cases import Case

CORRECT = Case("good", "fine")
FAULTY = Case("bad", "fine", frozenset({"S1", "L1"}), frozenset({"S12"}))


def row(worker: str, scenario: str, **said: list[str]) -> Row:
    fields: dict[str, list[str]] = {"found": [], "job": [], "proved": [], "unproved": [], **said}
    return Row(worker, scenario, **fields)


def matrix(*rows: Row) -> Matrix:
    made = lines((CORRECT, FAULTY), rows)
    return Matrix("pytest", "1", 90, 4, ["S1", "S2", "S9", "S12", "L1", "J1"], made)


def test_each_cell_says_what_the_runs_together_show() -> None:
    (line,) = lines(
        (CORRECT, FAULTY),
        [
            row("bad", "fault_free", proved=["S1", "S2"]),
            row("bad", "killed", found=["S1", "S12", "S9"], unproved=["L1"], job=["J1"]),
        ],
    )
    assert line.cells == {
        "S1": "found",
        "S12": "follows",
        "S9": "strange",
        "L1": "missed",
        "J1": "job",
        "S2": "held",
    }
    assert line.scenarios == ["fault_free", "killed"]
    assert not line.right


def test_what_stays_unknown_counts_against_a_correct_worker_only() -> None:
    rows = [
        row("good", "fault_free", unproved=["S2"]),
        row("bad", "fault_free", unproved=["S2"], found=["S1", "L1"]),
    ]
    good, bad = lines((CORRECT, FAULTY), rows)
    assert good.cells == {"S2": "unproved"}
    assert not good.right
    assert bad.right


def test_what_a_correct_worker_did_not_prove_once_is_not_proved() -> None:
    rows = [row("good", "one", proved=["S2"]), row("good", "two", unproved=["S2"])]
    assert lines((CORRECT, FAULTY), rows)[0].cells == {"S2": "unproved"}


def test_the_table_counts_what_is_right() -> None:
    told = markdown(
        matrix(
            row("good", "fault_free", proved=["S1"], job=["J1"]),
            row("bad", "fault_free", found=["S1"]),
        )
    )
    assert "**0 of 1 defects caught and rightly named; 1 of 1 correct workers clean.**" in told
    assert "| good | · |   |   |   |   | J |" in told
    assert "| bad | ● |   |   |   | ✗ MISSED |   |" in told
    assert "2 runs on a real cluster in 2 minutes, 4 at once" in told


def test_the_picture_has_a_sign_for_each_cell() -> None:
    made = matrix(
        row("good", "fault_free", proved=["S1"], job=["J1"]),
        row("bad", "fault_free", found=["S1", "S12", "S9"], proved=["S2"]),
    )
    svg = ElementTree.fromstring(draw(made))  # noqa: S314  # it is our own
    space = "{http://www.w3.org/2000/svg}"
    titles = {each.text for each in svg.iter(f"{space}title")}
    assert {
        "good: S1 proved to hold",
        "good: J1 broken by the Job's manifest",
        "bad: S1 had to be found, and was",
        "bad: S12 found, and follows from the defect",
        "bad: S9 found, though nobody foresaw it",
        "bad: L1 had to be found, and was not",
        "bad: S2 proved to hold",
    } <= titles
    assert set(SIGNS) == {"found", "follows", "missed", "strange", "unproved", "job", "held"}
