"""The workers, and what must and what may be found of them: written before they were ever run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from harness.checks.judge import invariants
from harness.checks.levels import Level, highest
from harness.checks.plan import FAULT_FREE, proved_by, scenarios
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.infra.images.mutant import Mutant
from harness.infra.images.recipe import Catalogue
from harness.patterns.seeding import SEEDS, Seeding

#: An item on which this project's own workers fail, when they are told so.
FAILING = "durian"
#: Seconds of work on an item; longer where a kill has to come in the middle of it, for RabbitMQ
#: answers no acknowledgement, so nothing could stop the worker there; and longer still where its
#: hoard has to last until others have waited for it in vain.
_WORK, _LONG_WORK, _HOARDERS_WORK = "1", "3", "6"
#: Seconds of a lease where one has to end while its holder hangs: clients do not wait for long.
_SHORT_LEASE = "6"
#: What the producer leaves in Redis once all is sent, for those of ours that look for it.
_SENTINEL = "all-sent"
#: Without the marker nothing tells a queue that is not there, or is lost, from one that is done.
_WITH_MARKER = ("broker_lost", "late_queue")
_FIDELITY = "S15"


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
    #: Of one with a defect: the scenarios that show it, beside the undisturbed one; none: all that
    #: are to prove what it breaks.
    plays: tuple[str, ...] = ()
    #: An item that it fails on; None for one that cannot be told of any.
    failing: str | None = FAILING
    #: The profile by which it is judged, unless an id of a later one must be found.
    asks: Level = "core"
    #: The variable that tells it its queue.
    queue_env: str = "QUEUE"
    #: The key that it wants to see before it takes its queue for empty.
    sentinel: str = ""
    #: Whether it tells by a digest which bytes it works on; nothing else would show that.
    digest: bool = True
    #: What its queue in Redis is.
    seed: str = SEEDS[0]

    @property
    def correct(self) -> bool:
        return not self.must

    @property
    def worker(self) -> WorkerUnderTest:
        work = _WORK
        if "L7" in self.must or (self.pattern == "coarse" and "S3" in self.must):
            work = _LONG_WORK
        elif self.pattern == "coarse" and "L2" in self.must:
            work = _HOARDERS_WORK
        env = {"ITEM_SECONDS": work, "TELL_DIGEST": "1", **self.env}
        if self.sentinel:
            env["SENTINEL"] = self.sentinel
        if self.level == "extended":
            env["LEASE_SECONDS"] = _SHORT_LEASE
        if self.failing is not None:
            env["FAIL_ITEM"] = self.failing
        return WorkerUnderTest(
            image=f"recipe:{self.recipe}",
            pattern=self.pattern,
            env=env,
            failing_item=None if self.failing is None else self.failing.encode(),
            queue_env=self.queue_env,
            sentinel=self.sentinel,
            keeps=(),
            seeding=Seeding(self.seed),
        )

    @property
    def level(self) -> Level:
        """The profile by which it is judged."""
        known = scenarios(self.pattern, "extended")
        played = (known[name].level for name in self.plays if name in known)
        asked = (one.level for one in invariants() if one.id in self.must)
        return highest(self.asks, *asked, *played)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Those that are played: all of the profile with a correct worker."""
        known = scenarios(self.pattern, self.level)
        if self.correct:
            told = self.pattern == "coarse" or self.sentinel
            return tuple(name for name in known if told or name not in _WITH_MARKER)
        asking = (name for name, one in known.items() if self.must & {*one.proves[self.pattern]})
        return tuple(dict.fromkeys((FAULT_FREE, *(self.plays or asking))))

    def proves(self, scenario: str) -> tuple[str, ...]:
        """What a scenario is to prove of it."""
        played = scenarios(self.pattern, self.level)[scenario]
        asked = proved_by(played, self.pattern, self.level)
        return tuple(name for name in asked if self.digest or name != _FIDELITY)


CORRECT = (
    Case("reference-fine", "fine", sentinel=_SENTINEL),
    Case("reference-coarse", "coarse"),
)
#: The same in other languages, and with their leases kept in other ways.
TWINS = (
    Case("reference-lists", "fine"),
    Case("reference-streams", "fine", sentinel=_SENTINEL, seed="stream"),
    Case("shell-fine", "fine", digest=False),
    Case("shell-coarse", "coarse", digest=False),
    Case("go-fine", "fine", digest=False),
    Case("go-coarse", "coarse", digest=False),
)
#: The task pages' own.
PAGES = (
    Case(
        "tutorial-fine",
        "fine",
        frozenset({"L1"}),
        frozenset({"L3"}),
        plays=("killed_before_ack",),
        failing=None,
        queue_env="",
    ),
    Case(
        "tutorial-coarse-crash",
        "coarse",
        frozenset({"S11"}),
        frozenset({"S1", "S9", "S12", "S13"}),
        plays=("failing_item",),
        failing=None,
    ),
)
#: Of the mutants, enough that together with the pages' workers each core invariant is broken once.
_QUICK = (
    "fine-ack-first",
    "fine-fabricates",
    "fine-leaves-early",
    "coarse-never-acks",
    "coarse-exits-on-empty",
    "coarse-hoards",
    "fine-never-exits",
)


def quick_cases() -> tuple[Case, ...]:
    """For every change: the correct workers, and one defect for each core invariant."""
    faulty = {case.recipe: case for case in _mutants()}
    return (*CORRECT, *PAGES, *(faulty[name] for name in _QUICK))


def all_cases() -> tuple[Case, ...]:
    """The correct workers, those of the pages, and all whose files say what is wrong with them."""
    correct = (replace(case, asks="extended") for case in (*CORRECT, *TWINS))
    return (*correct, *PAGES, *_mutants())


def _mutants() -> tuple[Case, ...]:
    catalogue = Catalogue(Path(str(files("harness.manifests") / "images")))
    return tuple(_case(name, one) for name, one in sorted(catalogue.mutants.items()) if one.must)


def _case(name: str, mutant: Mutant) -> Case:
    pattern = "coarse" if "coarse" in mutant.of else "fine"
    must, may = frozenset(mutant.must), frozenset(mutant.may)
    sentinel = _SENTINEL if mutant.of in ("reference-fine", "reference-streams") else ""
    seed = "stream" if mutant.of == "reference-streams" else SEEDS[0]
    return Case(name, pattern, must, may, plays=mutant.plays, sentinel=sentinel, seed=seed)
