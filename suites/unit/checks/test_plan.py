"""What a profile asks for, and that the core one asks for no more because others do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from harness.checks import judge as judging_module
from harness.checks import plan
from harness.checks.invariant import Invariant
from harness.checks.judge import invariants, judge
from harness.checks.levels import highest, within
from harness.checks.model import RunModel
from harness.checks.plan import first_asked, needed, part_of, proved_by, scenarios
from harness.checks.verdict import Finding, failed, passed
from harness.cli.judge import judge_files
from harness.core.errors import EXIT_NOT_PROVED, EXIT_OK, EXIT_USAGE, EXIT_VIOLATED
from harness.engine.fault import unavailable_reason
from harness.engine.scenario import Scenario, ScenarioContext
from harness.history import NODE_LOSSES
from harness.suites.unit.dsl.history import Tale, good_fine

PATTERNS = ("coarse", "fine")


def play(_: ScenarioContext) -> None:
    """Nobody plays it here."""


def broken(_: RunModel) -> Iterator[Finding]:
    yield failed("it is broken", 1)


def kept(_: RunModel) -> Iterator[Finding]:
    yield passed("it holds")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core invariant that is kept, an extended one that is broken, and a scenario for each."""
    some = (
        Invariant("S1", "core", ("fine",), kept),
        Invariant("S4", "extended", ("fine",), broken, level="extended"),
    )
    for module in (judging_module, plan):
        monkeypatch.setattr(module, "invariants", lambda: some)
    both = {
        "one": Scenario("one", "core", {"fine": ("S1", "S4")}, play),
        "other": Scenario("other", "extended", {"fine": ("S1", "S4")}, play, level="extended"),
    }

    def known(_: str, level: str = "core") -> dict[str, Scenario]:
        return both if level == "extended" else {"one": both["one"]}

    monkeypatch.setattr(plan, "scenarios", known)


def of(scenario: str) -> Tale:
    return good_fine(scenario=scenario)


def test_levels_have_an_order() -> None:
    assert highest("core", "extended", "core") == "extended"
    assert within("core", "core")
    assert within("core", "extended")
    assert not within("extended", "core")


@pytest.mark.usefixtures("two")
def test_the_core_profile_looks_at_core_invariants_only() -> None:
    tale = of("one")
    assert list(judge(tale.header, tale.events, "core").verdicts) == ["S1"]
    assert list(judge(tale.header, tale.events).verdicts) == ["S1", "S4"]


@pytest.mark.usefixtures("two")
def test_who_asks_first() -> None:
    """Each scenario × invariant is asked for once, by the first profile that knows both."""
    core = plan.scenarios("fine")["one"]
    other = plan.scenarios("fine", "extended")["other"]
    assert proved_by(core, "fine") == ("S1",)
    assert proved_by(core, "fine", "extended") == ("S1", "S4")
    assert [first_asked(core, one) for one in ("S1", "S4")] == ["core", "extended"]
    assert [first_asked(other, one) for one in ("S1", "S4")] == ["extended", "extended"]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("scenario", "code"),
    [("one", EXIT_OK), ("other", EXIT_VIOLATED), ("of somebody else", EXIT_VIOLATED)],
)
def test_a_history_is_judged_as_a_part_of_its_profile(
    tmp_path: Path, scenario: str, code: int
) -> None:
    """What is said is all; what it is worth depends on who has asked."""
    tale, out, file = of(scenario), io.StringIO(), tmp_path / "history"
    lines = [msgspec.json.encode(one) for one in (tale.header, *tale.events)]
    file.write_bytes(b"\n".join(lines) + b"\n")
    assert judge_files([file], out, needed, part_of) == code
    assert "it is broken" in out.getvalue()


@pytest.mark.usefixtures("two")
def test_of_a_scenario_of_others_the_core_has_to_be_proved() -> None:
    assert needed(of("of somebody else").header) == ["S1"]
    assert needed(of("other").header) == ("S1", "S4")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_scenario_proves_what_there_is(pattern: str) -> None:
    known = {one.id: one for one in invariants()}
    for one in scenarios(pattern, "extended").values():
        for name in one.proves[pattern]:
            assert pattern in known[name].patterns, f"{one.name}: {name}"
        if one.level == "core":
            assert proved_by(one, pattern), one.name


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_invariant_is_proved_by_a_scenario(pattern: str) -> None:
    for level in ("core", "extended"):
        played = scenarios(pattern, level).values()
        proved = {name for one in played for name in proved_by(one, pattern, level)}
        asked = {
            one.id for one in invariants() if within(one.level, level) and pattern in one.patterns
        }
        assert asked == proved


@dataclass
class Unreachable:
    """A provider whose nodes nobody can get at."""

    def node_access_error(self) -> str:
        return "they are somebody else's"

    def spare_node(self) -> str:
        return ""


def test_a_fault_that_cannot_be_done_here_says_why() -> None:
    provider: object = Unreachable()
    assert unavailable_reason(("held with the last lease",), provider) == ""  # type: ignore[arg-type]  # half a provider is enough
    why = unavailable_reason(("container killed",), provider)  # type: ignore[arg-type]  # half a provider is enough
    assert why == "container killed: they are somebody else's"
    for lost in NODE_LOSSES:
        why = unavailable_reason((lost,), provider)  # type: ignore[arg-type]  # half a provider is enough
        assert why.startswith(f"{lost}: the cluster has no node that may be lost")


@pytest.mark.parametrize(
    ("profile", "code"),
    [("core", EXIT_NOT_PROVED), ("extended", EXIT_NOT_PROVED), ("all", EXIT_USAGE)],
)
def test_the_option(pytester: pytest.Pytester, profile: str, code: int) -> None:
    """Where nothing is collected nothing is proved; what there is not is refused."""
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine", f"--queuejob-profile={profile}"]
    result = pytester.runpytest_subprocess(*worker)
    assert result.ret == code
    if code == EXIT_USAGE:
        assert "core or extended" in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("profile", "suite", "words"),
    [
        ("core", "core", ["fault-free-S1", "fault-free-others"]),
        ("core", "extended", ["--queuejob-profile=extended"]),
        ("extended", "core", ["fault-free-S1"]),
        ("extended", "extended", ["fault-free-others"]),
    ],
)
def test_what_a_suite_asks(
    pytester: pytest.Pytester, profile: str, suite: str, words: list[str]
) -> None:
    worker = ["--queuejob-image=x", "--queuejob-pattern=fine", f"--queuejob-profile={profile}"]
    suites = ["--import-mode=importlib", "--pyargs", f"harness.suites.{suite}"]
    result = pytester.runpytest_subprocess(*worker, *suites, "--collect-only", "-q")
    told = result.stdout.str() + result.stderr.str()
    for word in words:
        assert word in told
    if suite == "extended":
        assert "fault-free-S1]" not in told
