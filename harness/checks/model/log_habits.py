"""The reliability of a worker's log: which lines it prints, and whether without delay.

A line proves that the worker wrote it no later than its time stamp, but not how long before. Lines
from a buffer come late; if the process is killed, they do not come at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.checks.model.items import Attempt
from harness.checks.model.workers import WorkerLifetime
from harness.history import Figures, Habit, Worker

#: Frequencies at which a worker is expected to do the same again.
USUAL: frozenset[Habit] = frozenset(("always", "mostly"))
#: A start line within so many seconds of the delivery comes without delay.
PROMPT = 0.25
#: In a live log, so many percent of the attempts have their lines without delay.
_LIVE_PERCENT = 75
#: Seconds; shorter work than this cannot be distinguished from no work.
_TOO_SHORT = 0.1
#: Work is regular if its longest time is at most so many times its shortest.
_REGULAR = 1.25
_MIN_SAMPLES = 3
#: Share of the shortest work below which an attempt did no work: for regular work, and other.
_REGULAR_SHARE, _IRREGULAR_SHARE = 0.75, 0.5


class LogHabits(msgspec.Struct, frozen=True):
    """Expectations of a worker's log, and of its time for an item."""

    starts: Habit = ""
    ends: Habit = ""
    #: Whether lines come without delay; None if unknown.
    live: bool | None = None
    #: Whether its end lines come before its reports (and not just after them).
    ends_first: bool = False
    #: The least seconds that an item takes; None if unknown, or too short to measure.
    enough: float | None = None
    #: The longest time from a delivery to its start line, in seconds.
    delay: float = 0.0


def log_habits(given: Figures, lives: Mapping[Worker, WorkerLifetime]) -> LogHabits:
    """Return the habits that the fault-free run showed, or else those that this run shows."""
    attempts = [attempt for life in lives.values() for attempt in life.attempts]
    own = _measured_habits(attempts, lives)
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


def _measured_habits(
    attempts: Sequence[Attempt], lives: Mapping[Worker, WorkerLifetime]
) -> LogHabits:
    settled = [entry for entry in attempts if entry.settled and _log_complete(lives, entry)]
    starts, ends = (
        _habit([entry.started for entry in settled]),
        _habit([entry.done for entry in settled]),
    )
    live = _is_live(lives.values())
    complete = [
        entry
        for entry in settled
        if (entry.started or starts not in USUAL) and (entry.done or ends not in USUAL)
    ]
    # Work on a prefetched item begins later, when its turn comes.
    first = [life.attempts[0] for life in lives.values() if life.attempts]
    considered = attempts if live else first
    delays = [entry.started.at - entry.delivered.at for entry in considered if entry.started]
    longest_delay = max((entry for entry in delays if entry <= PROMPT), default=0.0)
    return LogHabits(
        starts,
        ends,
        live,
        _ends_first(settled),
        _minimum_time(complete, late=live is False),
        longest_delay,
    )


def _log_complete(lives: Mapping[Worker, WorkerLifetime], attempt: Attempt) -> bool:
    life = None if attempt.worker is None else lives.get(attempt.worker)
    return life is not None and life.run.log_whole


def _habit(said: Sequence[object | None]) -> Habit:
    count = sum(line is not None for line in said)
    if not said:
        return ""
    if count == len(said):
        return "always"
    if count == 0:
        return "never"
    return "mostly" if count > len(said) / 2 else "seldom"


def _ends_first(settled: Iterable[Attempt]) -> bool:
    gaps = [
        attempt.done.at - attempt.settled.ref.at
        for attempt in settled
        if attempt.done and attempt.settled
    ]
    return bool(gaps) and sum(gap <= 0 for gap in gaps) > len(gaps) / 2


def _minimum_time(told: Iterable[Attempt], *, late: bool) -> float | None:
    """Return the minimum time for an item: a shorter attempt has not done its work.

    None if that is unknown. `late`: the log is buffered, so line times prove nothing.
    """
    durations = [
        max(attempt.settled.ref.at, attempt.done.at if attempt.done and not late else 0.0)
        - attempt.delivered.at
        for attempt in told
        if attempt.settled and not (attempt.settled.at_once and attempt.done is None)
    ]
    if not durations or min(durations) < _TOO_SHORT:
        return None
    shortest = min(durations)
    regular = len(durations) >= _MIN_SAMPLES and max(durations) <= _REGULAR * shortest
    return round(shortest * (_REGULAR_SHARE if regular else _IRREGULAR_SHARE), 3)


# -- whether lines come without delay --------------------------------------------------------------


def _is_live(lives: Iterable[WorkerLifetime]) -> bool | None:
    """Return whether lines come without delay, judged by start lines.

    Only a start line would still be missing if all lines were late.
    """
    prompt = [
        attempt.started.at - attempt.delivered.at <= PROMPT or _began_in_turn(life, index)
        for life in lives
        for index, attempt in enumerate(life.attempts)
        if attempt.started is not None
    ]
    if not prompt:
        return None
    return 100 * sum(prompt) >= _LIVE_PERCENT * len(prompt)


def _began_in_turn(life: WorkerLifetime, index: int) -> bool:
    """Return whether a prefetched item was begun once the one before was settled."""
    attempt, previous = life.attempts[index], life.attempts[index - 1] if index else None
    if previous is None or previous.settled is None or attempt.started is None:
        return False
    settled_at = previous.settled.effect
    return settled_at > attempt.delivered.at and abs(attempt.started.at - settled_at) <= PROMPT
