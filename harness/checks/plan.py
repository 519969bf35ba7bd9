"""Which scenario proves which invariant, in which profile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.checks.judge import invariants
from harness.checks.levels import LEVELS, Level, highest, within
from harness.core.registry import Registry
from harness.history import Header


class ScenarioDeclaration(Protocol):
    """What a plan needs to know of a scenario; `harness.engine.scenario.Scenario` has it."""

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


#: All scenarios. They stand far above: here they are only looked up, never played.
SCENARIOS: Registry[ScenarioDeclaration] = Registry(
    kind="scenarios",
    package="harness.scenarios",
    attribute="SCENARIO",
    group="queuejob.scenarios",
)


@dataclass(frozen=True)
class Asked:
    """What this version asks of a pattern in a profile."""

    #: The ids of its tests.
    tests: Collection[str]
    #: By scenario, what it is to prove.
    proves: Mapping[str, Collection[str]]


#: What is asked of a pattern in a profile; `UsageError` for a pattern that there is not.
Ask = Callable[[str, Level], Asked]


FAULT_FREE = "fault_free"

#: Whatever else a scenario shows, beside what it is to prove.
OTHERS = "others"


def scenarios(pattern: str, level: Level = "core") -> dict[str, ScenarioDeclaration]:
    """A profile's scenarios of a pattern by module name: the fault-free one, long ones, others."""
    found = SCENARIOS.all()
    order = sorted(found, key=lambda name: (name != FAULT_FREE, not found[name].long, name))
    return {
        name: one
        for name, one in ((each, found[each]) for each in order)
        if pattern in one.proves and within(one.level, level)
    }


def proved_by(
    scenario: ScenarioDeclaration, pattern: str, level: Level = "core"
) -> tuple[str, ...]:
    """What a scenario is to prove in a profile, of all that it can."""
    known = _levels()
    return tuple(
        name for name in scenario.proves[pattern] if within(known.get(name, "core"), level)
    )


def first_asked(scenario: ScenarioDeclaration, invariant: str) -> Level:
    """The first profile that looks at an invariant in a scenario."""
    return highest(scenario.level, _levels().get(invariant, "core"))


def _levels() -> dict[str, Level]:
    return {one.id: one.level for one in invariants()}


def needed(header: Header) -> Collection[str]:
    """What a recorded run is to prove, as a part of the first profile that plays its scenario.

    For a scenario of others that is all of its pattern's core invariants.
    """
    scenario = _played(header)
    if scenario is not None:
        return proved_by(scenario, header.pattern, scenario.level)
    core = (one for one in invariants() if within(one.level, "core"))
    return [one.id for one in core if header.pattern in one.patterns]


def part_of(header: Header) -> Level:
    """The first profile that plays a recorded run's scenario; others' may break anything."""
    scenario = _played(header)
    return "extended" if scenario is None else scenario.level


def _played(header: Header) -> ScenarioDeclaration | None:
    known = scenarios(header.pattern, "extended").values()
    return next((one for one in known if one.name == header.scenario), None)


def asked(pattern: str, level: Level) -> Asked:
    """What this version asks of a pattern in a profile: see `profile_tests`."""
    proves = {
        one.name: proved_by(one, pattern, level) for one in scenarios(pattern, level).values()
    }
    lower = [one for one in LEVELS if within(one, level)]
    tests = [f"{part}/{name}" for part in lower for _, _, name in profile_tests(pattern, part)]
    return Asked(tests, proves)


def profile_tests(pattern: str, level: Level) -> list[tuple[str, str, str]]:
    """Scenario (its module), invariant and id of all tests that this profile is the first to have.

    The invariant `OTHERS` is whatever else the scenario shows.
    """
    return [
        (name, invariant, f"{one.name}-{invariant}")
        for name, one in scenarios(pattern, level).items()
        for invariant in (*proved_by(one, pattern, level), OTHERS)
        if invariant == OTHERS or first_asked(one, invariant) == level
    ]
