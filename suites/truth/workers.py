"""The workers of the truth matrix: each defect, and none, in each disguise that fits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from harness.engine.worker.items import Items
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.suites.truth.disguises import BOTH, COARSE, DISGUISES, FINE, Disguise, Pattern

FAILING = b"poison"
#: As many as on the task pages.
_ITEMS = 9


@dataclass(frozen=True)
class Defect:
    """What is wrong: by what it is named (one of `must` at least), and what follows from it."""

    name: str
    must: frozenset[str]
    may: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] = BOTH
    #: Disguises with which it cannot be seen, or is none.
    never_as: tuple[str, ...] = ()


def _defect(
    name: str,
    must: str,
    may: str = "",
    patterns: tuple[Pattern, ...] = BOTH,
    never_as: tuple[str, ...] = (),
) -> Defect:
    return Defect(name, frozenset(must.split()), frozenset(may.split()), patterns, never_as)


#: How nothing can be seen of what a worker says that it works on.
_NO_LINES = ("no lines", "other words")
DEFECTS = (
    _defect("pops", "S1", "S3 S9 S11 S12 S13 L1 L3"),
    # What fails after its report is lost, and no exit code brings it back.
    _defect("settles first", "S1 S3 S11", "S9 S12 L1"),
    _defect("settles midway", "S1 S3 S11", "S9 S12 L1"),
    _defect("skips what comes again", "S1 S11", "S9 S12 S13 L3"),
    _defect("marks before the work", "S1 S11", "S9 S12", FINE),
    _defect("never takes over", "L1 L3", "L2 S9 S12", FINE),
    _defect("endless leases", "L1 L3", "L2 S9 S12", FINE),
    _defect("leaves early", "S9", "S1 S12 L1 L3 J1", FINE),
    _defect("leaves on empty", "S9 S13", "S1 S12 L3", COARSE),
    _defect("swallows", "S11 S1", "S9 S12 S13"),
    # A list for each worker keeps no count: there what fails comes as new each time.
    _defect(
        "drops the third failure",
        "S11 S1",
        "S9 S12 L3",
        FINE,
        never_as=("heartbeats", "heartbeats, same name"),
    ),
    _defect("rejects into nothing", "S11 S1", "S9 S12 L3", COARSE),
    _defect("hides failures", "S11 S9 S13", "S1 S12 L3"),
    _defect("fabricates", "S2", "", never_as=_NO_LINES),
    # Of equal items none is another.
    _defect("works on another", "S2", "S1 S3 S9 S13", never_as=(*_NO_LINES, "equal")),
    # What is written at a claim and never goes is no lease, but a log.
    _defect("never settles", "S9 S1 S13", "S3 S11 S12 S13 L1 L3"),
    _defect("never exits", "L3", "J1"),
    _defect("hoards", "L2", "L1 L3"),
    _defect("takes two", "S9 S13", "S12 L2 L3", COARSE),
)


@dataclass(frozen=True)
class Stranger:
    """A worker: its pattern, how it looks, and its defect (None: it has none)."""

    pattern: Pattern
    disguise: Disguise
    defect: Defect | None = None

    @property
    def wrong(self) -> str:
        return "" if self.defect is None else self.defect.name

    @property
    def name(self) -> str:
        """For a table: its pattern, how it looks, and what is wrong."""
        return f"{self.pattern}, {self.disguise.name}, {self.wrong or 'correct'}"


_NAMES = ("apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange")
_KINDS: dict[str, Callable[[int], str]] = {
    "names": lambda number: f"{_NAMES[number % 9]}-3f{number}",
    # As a moment of the near future would be written.
    "numbers": lambda number: str(4021558811 + 7 * number),
    "urls": lambda number: f"https://example.org/{_NAMES[number % 9]}?id=17&n={number}",
    "json": lambda number: json.dumps({"id": 4000 + number, "name": _NAMES[number % 9]}),
    "equal": lambda _: "apple-3f",
    "prefixes": lambda number: "item-3f" + "1" * number,
    "words": lambda number: f"Working on {_NAMES[number % 9]} {number}",
}


def items_of(disguise: Disguise, wanted: int = _ITEMS) -> tuple[bytes, ...]:
    """So many items of the disguise's kind."""
    kind = _KINDS[disguise.items]
    return tuple(kind(number).encode() for number in range(wanted))


def strangers(defects: Iterable[Defect | None] = (None, *DEFECTS)) -> Iterator[Stranger]:
    """All pairs that fit."""
    for defect in defects:
        for disguise in DISGUISES:
            for pattern in disguise.patterns:
                if defect is None or _fits(defect, disguise, pattern):
                    yield Stranger(pattern, disguise, defect)


def _fits(defect: Defect, disguise: Disguise, pattern: Pattern) -> bool:
    return pattern in defect.patterns and disguise.name not in defect.never_as


def under_test(stranger: Stranger, image: str) -> WorkerUnderTest:
    """What its owner would say of it, and no more."""
    env = {
        "DISGUISE": json.dumps(asdict(stranger.disguise)),
        "DEFECT": stranger.wrong,
        "PATTERN": stranger.pattern,
        "FAIL_ITEM": FAILING.decode(),
    }
    worker = WorkerUnderTest(
        image=image,
        pattern=stranger.pattern,
        env=env,
        failing_item=FAILING,
        queue_env="QUEUE",
        items=Items(own=items_of(stranger.disguise)),
    )
    if stranger.disguise.told is None:
        return worker
    begins, ends = stranger.disguise.told
    return replace(worker, start_pattern=begins, done_pattern=ends)
