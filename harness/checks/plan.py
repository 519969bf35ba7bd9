"""The plan: which scenario proves which invariant, in which profile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.checks.judge import invariants
from harness.checks.levels import LEVELS, Level, highest, within
from harness.core.registry import Registry
from harness.history import Header


class ScenarioDeclaration(Protocol):
    """The part of a scenario that a plan needs (`harness.engine.scenario.Scenario` has it)."""

    @property
    def name(self) -> str: ...

    @property
    def says(self) -> str: ...

    @property
    def proves(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def faults(self) -> tuple[str, ...]: ...

    @property
    def level(self) -> Level: ...

    @property
    def long(self) -> bool: ...


#: All scenarios. They belong to a layer far above: this module reads them, but never runs them.
SCENARIOS: Registry[ScenarioDeclaration] = Registry(
    kind="scenarios",
    package="harness.scenarios",
    attribute="SCENARIO",
    group="queuejob.scenarios",
)


@dataclass(frozen=True)
class Asked:
    """The tests and proofs that this version demands of a pattern in a profile."""

    #: The ids of the tests.
    tests: Collection[str]
    #: By scenario: the invariants that it must prove.
    proves: Mapping[str, Collection[str]]


#: Returns what a pattern must show in a profile; raises `UsageError` for an unknown pattern.
Ask = Callable[[str, Level], Asked]


FAULT_FREE = "fault_free"

#: All other invariants that a scenario shows, in addition to those that it must prove.
OTHERS = "others"


def scenarios(pattern: str, level: Level = "core") -> dict[str, ScenarioDeclaration]:
    """Return the scenarios of a pattern in a profile, by module name.

    The fault-free scenario comes first, then the long ones, then the others.
    """
    known = SCENARIOS.all()
    order = sorted(known, key=lambda name: (name != FAULT_FREE, not known[name].long, name))
    return {
        name: scenario
        for name, scenario in ((module, known[module]) for module in order)
        if pattern in scenario.proves and within(scenario.level, level)
    }


def proved_by(
    scenario: ScenarioDeclaration, pattern: str, level: Level = "core"
) -> tuple[str, ...]:
    """Return the invariants that a scenario must prove in a profile, of all that it can prove."""
    levels = _levels_by_id()
    return tuple(
        name for name in scenario.proves[pattern] if within(levels.get(name, "core"), level)
    )


def first_asked(scenario: ScenarioDeclaration, invariant: str) -> Level:
    """Return the first profile that checks an invariant in a scenario."""
    return highest(scenario.level, _levels_by_id().get(invariant, "core"))


def _levels_by_id() -> dict[str, Level]:
    return {invariant.id: invariant.level for invariant in invariants()}


def needed(header: Header) -> Collection[str]:
    """Return the invariants that a recorded run must prove.

    These are the ones of the first profile that runs its scenario. For a scenario of another
    package they are all core invariants of its pattern.
    """
    scenario = _recorded_scenario(header)
    if scenario is not None:
        return proved_by(scenario, header.pattern, scenario.level)
    core = (invariant for invariant in invariants() if within(invariant.level, "core"))
    return [invariant.id for invariant in core if header.pattern in invariant.patterns]


def part_of(header: Header) -> Level:
    """Return the first profile that runs the scenario of a recorded run.

    For a scenario of another package it is "extended": such a scenario may inject any fault.
    """
    scenario = _recorded_scenario(header)
    return "extended" if scenario is None else scenario.level


def _recorded_scenario(header: Header) -> ScenarioDeclaration | None:
    known = scenarios(header.pattern, "extended").values()
    return next((scenario for scenario in known if scenario.name == header.scenario), None)


def asked(pattern: str, level: Level) -> Asked:
    """Return what this version demands of a pattern in a profile: see `profile_tests`."""
    proves = {
        entry.name: proved_by(entry, pattern, level) for entry in scenarios(pattern, level).values()
    }
    lower = [entry for entry in LEVELS if within(entry, level)]
    tests = [f"{part}/{name}" for part in lower for _, _, name in profile_tests(pattern, part)]
    return Asked(tests, proves)


def profile_tests(pattern: str, level: Level) -> list[tuple[str, str, str]]:
    """Return scenario (its module), invariant and id of each test that is new in this profile.

    The invariant `OTHERS` stands for all other invariants that the scenario shows.
    """
    return [
        (name, invariant, f"{scenario.name}-{invariant}")
        for name, scenario in scenarios(pattern, level).items()
        for invariant in (*proved_by(scenario, pattern, level), OTHERS)
        if invariant == OTHERS or first_asked(scenario, invariant) == level
    ]
