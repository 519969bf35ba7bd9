"""What a worker's log is worth: which lines it prints, and whether they come when they are said.

A line proves that something was said not later than its time stamp, and nothing about how long
before: logs that wait in a buffer come late, and with a killed process they do not come at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.checks.model.items import Attempt
from harness.checks.model.workers import WorkerLifetime
from harness.history import Figures, Habit, Worker

#: How often a worker does what it is expected to do again.
USUAL: frozenset[Habit] = frozenset(("always", "mostly"))
#: Seconds after a delivery within which a line about its beginning is said at once.
PROMPT = 0.25
#: Lines of so many of a hundred attempts come as they are said, where the log is live.
_MOST = 75
#: Shorter work than this, in seconds, cannot be told from none.
_TOO_SHORT = 0.1
#: Work of which the longest takes no more than so many times the shortest is regular.
_REGULAR = 1.25
_FEW = 3
#: Of the shortest work: who had an item for less has not worked on it; regular work, and other.
_ENOUGH, _ENOUGH_OF_ANY = 0.75, 0.5


class LogHabits(msgspec.Struct, frozen=True):
    """What can be expected of a worker's log, and of its time for an item."""

    starts: Habit = ""
    ends: Habit = ""
    #: Whether lines come as they are said; None where nothing tells.
    live: bool | None = None
    #: Whether its end lines come before its reports (and not just after them).
    ends_first: bool = False
    #: Seconds that an item takes it at least; None where that is not known, or too short to tell.
    enough: float | None = None
    #: The longest time from a delivery to the line that it begins, in seconds.
    delay: float = 0.0


def log_habits(given: Figures, lives: Mapping[Worker, WorkerLifetime]) -> LogHabits:
    """What the fault-free run has taught; where there was none, what this run shows itself."""
    attempts = [one for life in lives.values() for one in life.attempts]
    own = _own(attempts, lives)
    if not given.starts_told:
        return own
    return LogHabits(
        given.starts_told,
        given.ends_told,
        given.log_live,
        given.ends_first,
        given.enough,
        own.delay,
    )


def _own(attempts: Sequence[Attempt], lives: Mapping[Worker, WorkerLifetime]) -> LogHabits:
    settled = [one for one in attempts if one.settled and _whole(lives, one)]
    starts, ends = _habit([one.started for one in settled]), _habit([one.done for one in settled])
    live = _live(lives.values())
    told = [
        one
        for one in settled
        if (one.started or starts not in USUAL) and (one.done or ends not in USUAL)
    ]
    # What was given in advance begins when its turn comes.
    first = [life.attempts[0] for life in lives.values() if life.attempts]
    pool = attempts if live else first
    delays = [one.started.at - one.delivered.at for one in pool if one.started]
    late = max((one for one in delays if one <= PROMPT), default=0.0)
    return LogHabits(
        starts, ends, live, _ends_first(settled), _enough(told, late=live is False), late
    )


def _whole(lives: Mapping[Worker, WorkerLifetime], attempt: Attempt) -> bool:
    life = None if attempt.worker is None else lives.get(attempt.worker)
    return life is not None and life.run.log_whole


def _habit(said: Sequence[object | None]) -> Habit:
    count = sum(one is not None for one in said)
    if not said:
        return ""
    if count == len(said):
        return "always"
    if count == 0:
        return "never"
    return "mostly" if count > len(said) / 2 else "seldom"


def _ends_first(settled: Iterable[Attempt]) -> bool:
    gaps = [one.done.at - one.settled.ref.at for one in settled if one.done and one.settled]
    return bool(gaps) and sum(gap <= 0 for gap in gaps) > len(gaps) / 2


def _enough(told: Iterable[Attempt], *, late: bool) -> float | None:
    """Who had an item for less than this has not done its work; `late` lines tell no moment."""
    lasted = [
        max(one.settled.ref.at, one.done.at if one.done and not late else 0.0) - one.delivered.at
        for one in told
        if one.settled and not (one.settled.at_once and one.done is None)
    ]
    if not lasted or min(lasted) < _TOO_SHORT:
        return None
    shortest = min(lasted)
    regular = len(lasted) >= _FEW and max(lasted) <= _REGULAR * shortest
    return round(shortest * (_ENOUGH if regular else _ENOUGH_OF_ANY), 3)


# -- whether lines come as they are said -----------------------------------------------------------


def _live(lives: Iterable[WorkerLifetime]) -> bool | None:
    """By the lines about a beginning: only these would not be there yet if all lines were late."""
    shown = [
        one.started.at - one.delivered.at <= PROMPT or _waited(life, index)
        for life in lives
        for index, one in enumerate(life.attempts)
        if one.started is not None
    ]
    if not shown:
        return None
    return 100 * sum(shown) >= _MOST * len(shown)


def _waited(life: WorkerLifetime, index: int) -> bool:
    """Whether it was given in advance, and begun as soon as the one before was settled."""
    attempt, before = life.attempts[index], life.attempts[index - 1] if index else None
    if before is None or before.settled is None or attempt.started is None:
        return False
    since = before.settled.effect
    return since > attempt.delivered.at and abs(attempt.started.at - since) <= PROMPT
