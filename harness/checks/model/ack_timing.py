"""Whether an item was settled after the work on it, as far as lines and the wire tell.

A line about the end proves that the work had ended by its time stamp. When it comes later than the
report, either the line was late or the report was early: that is asked of what the log is worth,
of all items together (a log only adds to the time), and of what the worker did meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Literal

import msgspec

from harness.checks.model.items import Attempt
from harness.checks.model.log_habits import LogHabits
from harness.checks.model.workers import WorkerLifetime

#: `after` the work, `early`, or too close to tell.
AckOrder = Literal["after", "early", "unclear"]

#: Seconds by which the line about the end follows the report, at least, where the work goes on.
_TELLING = 0.1
#: The same where a single item has to tell it.
_ALONE = 0.5
#: Seconds by which the moments of a line and of the wire may differ.
_NEAR = 0.25
#: So many items together show what a worker does.
_FEW = 3
#: Seconds that an item takes at least, where a worker's pace is to tell when it works.
_PACED = 0.25
#: Seconds that a process takes to exit, at most, in most cases.
_EXIT = 0.3


class AckTiming(msgspec.Struct, frozen=True):
    """How settlement and work of an attempt follow each other.

    `gap`: seconds from the report to the line that shows the worker still at it, less than 0 where
    that line came before.
    """

    attempt: Attempt
    order: AckOrder
    gap: float
    #: No line tells: its worker had the item for a while, reported, and wanted the next at once.
    by_pace: bool = False


def ack_order(
    attempt: Attempt, work: float | None, habits: LogHabits, life: WorkerLifetime | None
) -> AckTiming | None:
    """Of one attempt; None where nothing tells.

    `work` is how long this worker takes for an item, in seconds, where that is known.
    """
    settled, begun = attempt.settled, attempt.started
    if settled is None:
        return None
    if begun and begun.at > settled.effect:
        told = _judge(attempt, settled.effect, begun.at, habits, life)
        if told.order == "early":
            return told
    if attempt.done is None and habits.ends == "never" and habits.live is not False:
        return _by_pace(attempt, life)
    if attempt.done is None or (settled.hold and settled.ref.at == settled.effect):
        return None  # it was said some time in the hold, nobody knows when
    done = attempt.done.at
    at_word = _judge(attempt, settled.ref.at, done, habits, life)
    # It was held: was the worker at work meanwhile, or did it wait for the answer?
    if settled.hold is None or at_word.order == "after" or done < settled.effect:
        return at_word
    at_effect = _judge(attempt, settled.effect, done, habits, life)
    worked = work is not None and settled.ref.at - attempt.delivered.at >= work / 2
    return at_effect if worked or at_effect.order == at_word.order else None


def _judge(
    attempt: Attempt, report: float, line: float, habits: LogHabits, life: WorkerLifetime | None
) -> AckTiming:
    """From the report to the worker's line."""
    gap, before = line - report, report - attempt.delivered.at
    # Whatever the log is worth, the end was said by then.
    if gap <= 0 or (gap < _TELLING and gap <= before):
        return AckTiming(attempt, "after", gap)
    if habits.live is False:
        return AckTiming(attempt, "unclear", gap)
    # Who says no beginnings: alone in time, a line was not kept back until its worker ended.
    silent = _quiet(life, report) >= gap + (-_NEAR if habits.live else _NEAR)
    if silent and gap > _ALONE + 2 * habits.delay:
        return AckTiming(attempt, "early", gap)
    # It had gone on by then, or its lines about a beginning were as late.
    late = _next(life, report) - report < gap / 2 or gap <= 2 * habits.delay
    return AckTiming(
        attempt, "after" if late and gap < _ALONE and gap <= before else "unclear", gap
    )


def _by_pace(attempt: Attempt, life: WorkerLifetime | None) -> AckTiming | None:
    """Of a worker that never says an end, and does one thing after the other."""
    settled = attempt.settled
    if life is None or settled is None or settled.at_once or settled.hold:
        return None
    given, reported = attempt.delivered.at, settled.ref.at
    others = [one for one in life.attempts if one is not attempt]
    busy = any(
        one.delivered.at < reported and (one.settled is None or one.settled.effect > given)
        for one in others
    )
    ask = life.requests.after(settled.effect)
    over = life.run.exited if ask is None else ask.ref.at
    if busy or over is None or life.requests.first(given + _TELLING, reported) is not None:
        return None
    gap, lasted = over - settled.effect, reported - given
    # An exit takes its time, too; what all do beside it, some show.
    after = lasted >= _PACED and gap <= min(_TELLING if ask else _EXIT, lasted / 4)
    return AckTiming(attempt, "after" if after else "unclear", gap, by_pace=True)


def _next(life: WorkerLifetime | None, since: float) -> float:
    """When a worker wanted, or was given, the next item after a moment."""
    ask = life.requests.after(since) if life else None
    given = [one.delivered.at for one in life.attempts] if life else []
    moments = [*([ask.ref.at] if ask else []), *(one for one in given if one > since)]
    return min(moments, default=inf)


def _quiet(life: WorkerLifetime | None, since: float) -> float:
    """Seconds from a moment until the worker did anything else that the wire shows."""
    if life is None:
        return 0.0
    moments = [one.closed.at for one in life.connections if one.closed and not one.cut]
    moments += [life.end.latest] if life.end else []
    return min([_next(life, since), *(one for one in moments if one > since)]) - since


def majority(told: Iterable[AckTiming], habits: LogHabits, *, calm: bool) -> AckOrder | None:
    """What a worker does, by all that was told of it; None where nothing was told.

    `calm`: nothing has disturbed it, so nothing but its work can have held up its lines.
    """
    known = list(told)
    if not known:
        return None
    if any(one.order == "early" for one in known) or (calm and always_late(known, habits)):
        return "early"
    paced = [one.gap for one in known if one.by_pace]
    if len(paced) == len(known) and (len(known) < _FEW or min(paced) > _TELLING):
        return "unclear"
    # A single line that the kubelet was late with says nothing about the worker.
    few = sum(one.order == "unclear" for one in known) <= len(known) / 4
    return "after" if few else "unclear"


def always_late(told: Sequence[AckTiming], habits: LogHabits) -> bool:
    """Whether each of several items was worked on after its report.

    No log is always late by so much that has told of each beginning at once.
    """
    # A pause after the report may be one, where no line tells that there was work in it.
    gaps = [one.gap for one in told if not one.by_pace]
    if habits.live is not True or len(gaps) < _FEW:
        return False
    return min(gaps) >= max(_TELLING, habits.delay)
