"""`queuejob list` tells what there is, by asking it: nothing is listed by hand."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from harness.checks.invariant import Invariant
from harness.checks.judge import invariants
from harness.checks.plan import scenarios
from harness.cli.main import main
from harness.core import registry
from harness.core.registry import Registry
from harness.engine.fault import FAULTS
from harness.patterns.base import PATTERNS


def told(capsys: pytest.CaptureFixture[str], what: str) -> list[str]:
    assert main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line == line.rstrip() != "" for line in lines)
    return lines


def test_each_invariant_has_a_line_in_the_order_of_their_ids(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(capsys, "invariants")
    assert [line.split()[0] for line in lines] == [one.id for one in invariants()]
    s13 = next(line for line in lines if line.startswith("S13"))
    says = "in the coarse pattern, each success accounts for exactly one message"
    assert " ".join(s13.split()) == f"S13 accounting core coarse {says}"


def test_each_scenario_has_a_line_with_its_level_and_patterns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = told(capsys, "scenarios")
    known = {
        one.name: one
        for pattern in ("fine", "coarse")
        for one in scenarios(pattern, "extended").values()
    }
    assert len(lines) == len(known)
    for line in lines:
        one = known[line.split()[0]]
        assert line.split()[1] == one.level
        assert line.endswith(f"  {one.says}")
        assert f"  {', '.join(sorted(one.proves))}  " in line


@pytest.mark.parametrize(
    ("what", "known"),
    [("faults", FAULTS), ("patterns", PATTERNS)],
)
def test_each_fault_and_pattern_says_in_a_sentence_what_it_is(
    capsys: pytest.CaptureFixture[str], what: str, known: Registry[Any]
) -> None:
    lines = told(capsys, what)
    names = {one.name for one in known.all().values()}
    assert {line.partition("  ")[0] for line in lines} == names
    assert all(line.partition("  ")[2].strip() for line in lines)


def test_what_another_distribution_adds_is_listed_with_its_own_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("elsewhere", "X9: all is done twice.\n\nAnd more.")
    module.__dict__["INVARIANT"] = Invariant("X9", "twice", ("fine",), lambda _: (), level="core")
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    added = EntryPoint("x9", "elsewhere:INVARIANT", "queuejob.invariants")
    monkeypatch.setattr(
        registry, "_entry_points", lambda group: (added,) if group == added.group else ()
    )
    last = told(capsys, "invariants")[-1]
    assert " ".join(last.split()) == "X9 twice core fine all is done twice"


@pytest.mark.parametrize("words", [["list"], ["list", "invariant"]])
def test_a_wrong_word_is_4(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 4
    said = capsys.readouterr().err
    assert "invariants|faults|patterns|scenarios" in said
