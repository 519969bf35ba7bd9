"""The workers, and what must and what may be found of them: written before they were ever run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from harness.campaign import FAULT_FREE, proved_by, scenarios
from harness.images.recipe import Catalogue
from harness.judge import invariants
from harness.scenario import Level, highest
from harness.worker import WorkerUnderTest

#: An item on which this project's own workers fail, when they are told so.
FAILING = "durian"
#: Seconds of work on an item; longer where a kill has to come in the middle of it, for RabbitMQ
#: answers no acknowledgement, so nothing could stop the worker there.
_WORK, _LONG_WORK = "1", "3"
#: Seconds of a lease where one has to end while its holder hangs: clients do not wait for long.
_SHORT_LEASE = "6"


@dataclass(frozen=True)
class Case:
    """A worker of ours (the recipe of its image), and what is known of it.

    `must` are ids of invariants that have to be found broken by the worker, `may` those that can
    follow from that; of a correct worker both are empty, and nothing may stay unknown.
    """

    recipe: str
    pattern: str
    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    #: The scenarios that are played; empty: all of the core profile, or, when something else must
    #: be found, the fault-free one and those that look for it.
    plays: tuple[str, ...] = ()
    #: An item that it fails on; None for one that cannot be told of any.
    failing: str | None = FAILING

    @property
    def correct(self) -> bool:
        return not self.must

    @property
    def worker(self) -> WorkerUnderTest:
        long = self.pattern == "coarse" and "S3" in self.must
        work = _LONG_WORK if long else _WORK
        env = {"ITEM_SECONDS": work, **self.env}
        if self.level == "extended":
            env["LEASE_SECONDS"] = _SHORT_LEASE
        if self.failing is not None:
            env["FAIL_ITEM"] = self.failing
        return WorkerUnderTest(
            image=f"recipe:{self.recipe}",
            pattern=self.pattern,
            env=env,
            failing_item=None if self.failing is None else self.failing.encode(),
        )

    @property
    def level(self) -> Level:
        """The profile by which it is judged: the core one, unless another id must be found."""
        return highest("core", *(one.level for one in invariants() if one.id in self.must))

    @property
    def scenarios(self) -> tuple[str, ...]:
        if self.plays or self.level == "core":
            return self.plays or tuple(scenarios(self.pattern))
        return tuple(
            name
            for name, one in scenarios(self.pattern, self.level).items()
            if name == FAULT_FREE or not self.must.isdisjoint(one.proves[self.pattern])
        )

    def proves(self, scenario: str) -> tuple[str, ...]:
        """What a scenario is to prove of it."""
        played = scenarios(self.pattern, self.level)[scenario]
        return proved_by(played, self.pattern, self.level)


CORRECT = (
    Case("reference-fine", "fine"),
    Case("reference-coarse", "coarse"),
)
#: The same in other languages.
TWINS = (
    Case("shell-fine", "fine"),
    Case("shell-coarse", "coarse"),
    Case("go-fine", "fine"),
    Case("go-coarse", "coarse"),
)
#: The task pages' own.
PAGES = (
    Case("tutorial-fine", "fine", frozenset({"L1"}), frozenset({"L3"}), failing=None),
    Case(
        "tutorial-coarse-crash",
        "coarse",
        frozenset({"S11"}),
        frozenset({"S1", "S9", "S12", "S13"}),
        plays=("fault_free", "failing_item"),
        failing=None,
    ),
)


def all_cases() -> tuple[Case, ...]:
    """The above, and the faulty workers whose files say what must be found of them."""
    catalogue = Catalogue(Path(str(files("harness.manifests") / "images")))
    faulty = (
        Case(name, _pattern(name), frozenset(one.must), frozenset(one.may))
        for name, one in sorted(catalogue.mutants.items())
        if one.must
    )
    return (*CORRECT, *TWINS, *PAGES, *faulty)


def _pattern(recipe: str) -> str:
    return "coarse" if "coarse" in recipe else "fine"
