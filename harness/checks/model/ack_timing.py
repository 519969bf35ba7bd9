"""Whether an item was settled after the work on it, as far as log lines and the wire show.

An end line proves that the work had ended by its time stamp. If it comes later than the report,
either the line was late or the report was early. To decide, this module uses the reliability of
the log, all items together (a log only adds to the time), and what the worker did in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Literal

import msgspec

from harness.checks.model.items import Attempt
from harness.checks.model.log_habits import LogHabits
from harness.checks.model.workers import WorkerLifetime

#: `after` the work, `early`, or too close to decide.
AckOrder = Literal["after", "early", "unclear"]

#: Least seconds between report and end line where the work goes on after the report.
_MIN_GAP = 0.1
#: The same if a single item has to show it.
_MIN_SINGLE_GAP = 0.5
#: Seconds by which the times of log lines and wire events may differ.
_SKEW = 0.25
#: Number of items that together show what a worker does.
_MIN_SAMPLES = 3
#: Least seconds per item if only a worker's pace can show when it works.
_MIN_PACED_WORK = 0.25
#: Seconds that a process takes to exit, at most, in most cases.
_EXIT_TIME = 0.3


class AckTiming(msgspec.Struct, frozen=True):
    """The order of settlement and work in an attempt.

    `gap`: seconds from the report to the line that shows the worker still working; negative if that
    line came first.
    """

    attempt: Attempt
    order: AckOrder
    gap: float
    #: No line shows it: the worker had the item for a while, reported, and asked again at once.
    by_pace: bool = False


def ack_order(
    attempt: Attempt, work: float | None, habits: LogHabits, life: WorkerLifetime | None
) -> AckTiming | None:
    """Return the order for one attempt; None if no event shows it.

    `work` is how long this worker takes for an item, in seconds, if known.
    """
    settled, start = attempt.settled, attempt.started
    if settled is None:
        return None
    if start and start.at > settled.effect:
        timing = _judge(attempt, settled.effect, start.at, habits, life)
        if timing.order == "early":
            return timing
    if attempt.done is None and habits.ends == "never" and habits.live is not False:
        return _by_pace(attempt, life)
    if attempt.done is None or (settled.hold and settled.ref.at == settled.effect):
        return None  # the worker sent it at an unknown time in the hold
    done = attempt.done.at
    at_sending = _judge(attempt, settled.ref.at, done, habits, life)
    # It was held: did the worker continue to work, or did it wait for the answer?
    if settled.hold is None or at_sending.order == "after" or done < settled.effect:
        return at_sending
    at_effect = _judge(attempt, settled.effect, done, habits, life)
    worked = work is not None and settled.ref.at - attempt.delivered.at >= work / 2
    return at_effect if worked or at_effect.order == at_sending.order else None


def _judge(
    attempt: Attempt, report: float, line: float, habits: LogHabits, life: WorkerLifetime | None
) -> AckTiming:
    """Compare the time of the report with that of the worker's line."""
    gap, worked = line - report, report - attempt.delivered.at
    # However reliable the log is, the worker had written the end line by then.
    if gap <= 0 or (gap < _MIN_GAP and gap <= worked):
        return AckTiming(attempt, "after", gap)
    if habits.live is False:
        return AckTiming(attempt, "unclear", gap)
    # For a worker without start lines: a line alone in time was not buffered until the exit.
    isolated = _quiet_time(life, report) >= gap + (-_SKEW if habits.live else _SKEW)
    if isolated and gap > _MIN_SINGLE_GAP + 2 * habits.delay:
        return AckTiming(attempt, "early", gap)
    # The worker had continued by then, or its start lines were just as late.
    late = _next_item_time(life, report) - report < gap / 2 or gap <= 2 * habits.delay
    return AckTiming(
        attempt, "after" if late and gap < _MIN_SINGLE_GAP and gap <= worked else "unclear", gap
    )


def _by_pace(attempt: Attempt, life: WorkerLifetime | None) -> AckTiming | None:
    """Judge a worker that logs no end lines, and handles one item after the other."""
    settled = attempt.settled
    if life is None or settled is None or settled.at_once or settled.hold:
        return None
    given, reported = attempt.delivered.at, settled.ref.at
    others = [other for other in life.attempts if other is not attempt]
    busy = any(
        other.delivered.at < reported and (other.settled is None or other.settled.effect > given)
        for other in others
    )
    request = life.requests.after(settled.effect)
    finished = life.run.exited if request is None else request.ref.at
    if busy or finished is None or life.requests.first(given + _MIN_GAP, reported) is not None:
        return None
    gap, lasted = finished - settled.effect, reported - given
    # An exit takes time too; some timings show what all workers do in addition to it.
    after = lasted >= _MIN_PACED_WORK and gap <= min(
        _MIN_GAP if request else _EXIT_TIME, lasted / 4
    )
    return AckTiming(attempt, "after" if after else "unclear", gap, by_pace=True)


def _next_item_time(life: WorkerLifetime | None, since: float) -> float:
    """Return when a worker next asked for, or received, an item after a moment."""
    request = life.requests.after(since) if life else None
    given = [entry.delivered.at for entry in life.attempts] if life else []
    moments = [*([request.ref.at] if request else []), *(entry for entry in given if entry > since)]
    return min(moments, default=inf)


def _quiet_time(life: WorkerLifetime | None, since: float) -> float:
    """Return the seconds from a moment until the next action of the worker on the wire."""
    if life is None:
        return 0.0
    moments = [entry.closed.at for entry in life.connections if entry.closed and not entry.cut]
    moments += [life.end.latest] if life.end else []
    return (
        min([_next_item_time(life, since), *(entry for entry in moments if entry > since)]) - since
    )


def majority(told: Iterable[AckTiming], habits: LogHabits, *, calm: bool) -> AckOrder | None:
    """Return what a worker usually does, by all known timings; None if there are none.

    `calm`: no fault disturbed the worker, so only its work can have delayed its lines.
    """
    known = list(told)
    if not known:
        return None
    if any(timing.order == "early" for timing in known) or (calm and always_late(known, habits)):
        return "early"
    paced = [timing.gap for timing in known if timing.by_pace]
    if len(paced) == len(known) and (len(known) < _MIN_SAMPLES or min(paced) > _MIN_GAP):
        return "unclear"
    # One line that the kubelet delivered late proves nothing about the worker.
    few = sum(timing.order == "unclear" for timing in known) <= len(known) / 4
    return "after" if few else "unclear"


def always_late(told: Sequence[AckTiming], habits: LogHabits) -> bool:
    """Return whether the worker worked on each of several items after its report.

    A log that shows each start without delay is never that late for every item.
    """
    # A pause after the report may be just that, if no line shows work in it.
    gaps = [timing.gap for timing in told if not timing.by_pace]
    if habits.live is not True or len(gaps) < _MIN_SAMPLES:
        return False
    return min(gaps) >= max(_MIN_GAP, habits.delay)
