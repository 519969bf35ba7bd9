"""Workers of both patterns: right, or with one defect."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from harness.suites.unit.simulator.broker import FIRST, Connections, Leases
from harness.suites.unit.simulator.world import Steps

#: How often who finds nothing looks again, in seconds.
POLL = 1.0
#: How long a broker is looked for, in seconds.
PATIENCE = 4.0
#: How often a consumer's delivery is looked for, in seconds.
_TICK = 0.1
#: Seconds between two steps that should be one.
_GAP = 3.0


class Body(Protocol):
    """What a worker's process has to do with the world."""

    connection: int

    def says(self, word: str, item: str) -> None: ...

    def digests(self, what: str) -> None: ...

    def exits(self, code: int) -> None: ...

    def dies(self) -> None: ...


@dataclass(frozen=True)
class Habits:
    """How a worker works: its seconds for an item, the item that it fails on, its defect."""

    work: float
    failing: str | None = None
    defect: str = ""
    #: An item that is its worker's death.
    poison: str | None = None


def stranded(body: Body, habits: Habits) -> Steps:
    """Finds no broker, and gives up."""
    yield PATIENCE
    body.exits(0 if habits.defect == "content alone" else 1)


def next_door(connection: int, queue: Leases | Connections, work: float) -> Steps:
    """Takes from a queue that is not its own."""
    if isinstance(queue, Connections):
        queue.ask(connection)
        claim = queue.take(connection)
    else:
        claim = queue.claim(connection)
    yield work
    if claim is not None:
        queue.settle(connection, *claim)


def fine(body: Body, queue: Leases, habits: Habits) -> Steps:
    """Takes items until nothing is ready and nothing is leased."""
    defect = habits.defect
    if defect == "fabricates":
        body.says("begins", "nothing that was sent")
    code: int | None = None
    while code is None and not _done(queue, defect):
        old = queue.expired() if defect == "looks first" else None
        if old is not None:
            yield _GAP
            claims = [queue.take(body.connection, *old)]
        else:
            claims = _claims(body, queue, defect)
        if not claims:
            yield POLL
        if defect == "forks" and claims:
            yield from _at_once(body, queue, claims, habits)
            continue
        for claim in claims:
            code = yield from _attempt(body, queue, *claim, habits)
    while defect == "never exits":
        yield POLL
    yield _TICK  # a process does not end in no time
    body.exits(code or 0)


def _attempt(
    body: Body, queue: Leases, token: str, item: str, habits: Habits
) -> Generator[float, None, int | None]:
    """The work on one item; with what the worker exits after it, or None."""
    defect = habits.defect
    if defect == "leases later" and token == FIRST:
        yield _GAP
        if not queue.renew(body.connection, token, late=True):
            return None
    if _skips(body, queue, token, item, defect):
        return None
    body.says("begins", item)
    body.digests(_read(item, defect))
    if item == habits.poison:
        body.dies()
        yield POLL
    if defect == "settles first":
        queue.settle(body.connection, token, item)
    yield from _work(queue, body.connection, token, habits)
    if item == habits.failing:
        return _fails(body, queue, token, item, defect)
    body.says("done", item)
    if defect == "never settles":
        return 0
    if defect == "settles equal ones":
        queue.settle_equal(body.connection, token, item)
    elif defect not in ("pops", "settles first"):
        late, whose = defect in ("settles late", "looks first"), defect != "settles by name"
        queue.settle(body.connection, token, item, late=late or not whose, whose=whose)
    return None


def _skips(body: Body, queue: Leases | Connections, token: str, item: str, defect: str) -> bool:
    """Whether it takes what somebody has begun for done, and reports it; else it leaves a mark."""
    if defect == "skips begun ones" and item in queue.begun:
        queue.settle(body.connection, token, item)
        return True
    queue.begun.add(item)
    return False


def _read(item: str, defect: str) -> str:
    """What it works on: all of it, or of the second item only the beginning."""
    return item.removesuffix("-1") if defect == "reads a part" else item


def _fails(body: Body, queue: Leases, token: str, item: str, defect: str) -> int | None:
    """The work has failed: with what the worker exits, or None when it goes on."""
    if defect in ("gives back", "gives back to the head"):
        queue.give_back(body.connection, token, head=defect != "gives back")
        return None
    swallowed = defect == "swallows"
    queue.settle(body.connection, token, item, dead=not swallowed)
    return None if swallowed else 1


def _done(queue: Leases, defect: str) -> bool:
    if defect == "leaves early":
        return not queue.ready
    return queue.empty() and (queue.marked or defect == "trusts empty")


def _claims(body: Body, queue: Leases, defect: str) -> list[tuple[str, str]]:
    if defect == "pops":
        item = queue.pop(body.connection)
        return [] if item is None else [("", item)]
    many = 2 if defect in ("hoards", "forks") else 1
    claims = (
        queue.claim(
            body.connection,
            reclaims=defect != "never reclaims",
            counts=defect != "never sets aside",
            early=queue.lease / 2 if defect == "takes over early" else 0.0,
            bare=defect == "leases later" and not queue.given,
        )
        for _ in range(many)
    )
    return [claim for claim in claims if claim is not None]


def _at_once(
    body: Body, queue: Leases | Connections, claims: list[tuple[str, str]], habits: Habits
) -> Steps:
    """The work on all of them at the same time."""
    for _, item in claims:
        body.says("begins", item)
        body.digests(item)
    if isinstance(queue, Leases):
        yield from _work(queue, body.connection, claims[0][0], habits)
    else:
        yield habits.work
    for token, item in claims:
        body.says("done", item)
        queue.settle(body.connection, token, item)


def _work(queue: Leases, connection: int, token: str, habits: Habits) -> Steps:
    rest = habits.work
    while rest > 0:
        step = min(rest, queue.lease / 3)
        yield step
        rest -= step
        for held in list(queue.taken) if habits.defect in ("hoards", "forks") else [token]:
            queue.renew(connection, held)


def coarse(body: Body, queue: Connections, habits: Habits) -> Steps:
    """Takes one message, and exits."""
    defect = habits.defect
    wanted = {"takes two": 2, "forks": 2, "hoards": 3}.get(defect, 1)
    if defect == "leaves on empty" and not queue.ready:
        body.exits(0)
        return
    if not queue.there:
        yield _TICK
        body.exits(0 if defect == "trusts empty" else 1)
        return
    claims = yield from _consume(body, queue, wanted, for_good=defect == "pops")
    if defect == "purges":
        queue.purge()
    if defect == "forks":
        yield from _at_once(body, queue, claims, habits)
        claims = []
    claims = claims if defect == "takes two" else claims[:1]
    for token, item in (one for one in claims if not _skips(body, queue, *one, defect)):
        body.says("begins", item)
        body.digests(_read(item, defect))
        if defect == "settles first":
            queue.settle(body.connection, token, item)
        yield habits.work
        if item == habits.failing:
            if defect == "swallows":
                queue.settle(body.connection, token, item)
            body.exits(0 if defect in ("swallows", "hides failures") else 1)
            return
        body.says("done", item)
        if defect not in ("settles first", "pops", "never settles"):
            queue.settle(body.connection, token, item)
    yield _TICK  # a process does not end in no time
    body.exits(0)


def _consume(
    body: Body, queue: Connections, wanted: int, *, for_good: bool
) -> Generator[float, None, list[tuple[str, str]]]:
    """Wait for a message; with it come others that are wanted, as far as they are there."""
    queue.ask(body.connection, wanted)
    claims: list[tuple[str, str]] = []
    while not claims:
        claim = queue.take(body.connection, for_good=for_good)
        if claim is None:
            yield _TICK
        else:
            claims.append(claim)
    while len(claims) < wanted and (more := queue.take(body.connection)) is not None:
        claims.append(more)
    queue.ask(body.connection, 0)
    return claims
