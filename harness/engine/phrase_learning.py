"""Learns the start lines of a worker that uses none of the built-in phrases.

In the fault-free run a line that names an item and comes as soon as its worker got that item, for
each item once and in the same form, means that the work on it begins, in any language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from harness.checks.model import PROMPT, Attempt, RunModel, WorkerLifetime, build_model
from harness.history import Event, Header, ItemDone, ItemStarted, LogLine, Payload, Worker
from harness.history.log_phrases import LineReader

#: The least number of items that show how a worker logs.
_LEAST_ITEMS = 3
#: The least percentage of start lines that come promptly.
_PROMPT_PERCENT = 75
#: Seconds by which the clocks of the tap and the kubelet may differ.
_SKEW = 0.1


def statements(
    header: Header, events: Sequence[Event], items: Sequence[bytes]
) -> list[ItemStarted]:
    """Return the start events that lines in a worker's own form mean.

    They are as they would have been recorded at once. `events` are those of a fault-free run. Empty
    where a line with a built-in phrase, or one that matches the user's pattern, showed a start.
    """
    form = _start_form(build_model(header, events), events, items)
    return list(_start_events(events, items, form)) if form else []


def learned_phrase(events: Iterable[Event], items: Sequence[bytes]) -> str:
    """Return the form of such lines, for `LineReader`; empty where no start was found by it."""
    lines, reader = dict[int, str](), LineReader(items)
    for event in events:
        observation = event.what
        if isinstance(observation, LogLine) and isinstance(observation.text, str):
            lines[event.id] = observation.text
        elif (
            isinstance(observation, ItemStarted)
            and not observation.guess
            and observation.line in lines
        ):
            named = reader.names(lines[observation.line])
            if named is not None:
                return named[1]
    return ""


def _start_form(view: RunModel, events: Iterable[Event], items: Sequence[bytes]) -> str:
    attempts = [attempt for attempt in view.attempts if attempt.settled is not None]
    if len(attempts) < _LEAST_ITEMS or any(attempt.started for attempt in view.attempts):
        return ""
    if any(len(item.enqueued) > 1 for item in view.sent):
        return ""  # it would be open which of several equal items a line is about
    delays = {
        form: delay
        for form, lines in _moments_by_form(events, LineReader(items)).items()
        if (delay := _mean_delay(view, attempts, lines)) is not None
    }
    return min(delays, key=lambda form: delays[form], default="")


def _start_events(
    events: Sequence[Event], items: Sequence[bytes], form: str
) -> Iterator[ItemStarted]:
    reader = LineReader(items, begins=form)
    known = {
        recorded.what.line
        for recorded in events
        if isinstance(recorded.what, (ItemStarted, ItemDone))
    }
    for event in events:
        observation = event.what
        if (
            isinstance(observation, LogLine)
            and isinstance(observation.text, str)
            and event.id not in known
        ):
            statement = reader.read(observation.text)
            if statement is not None and statement.kind == "start":
                yield ItemStarted(
                    statement.item, observation.worker, event.id, observation.at, statement.guess
                )


#: Seconds at which lines of one form came, by the item that they name and by their worker.
_MomentsByItem = dict[tuple[Payload, Worker], list[float]]


def _moments_by_form(events: Iterable[Event], reader: LineReader) -> dict[str, _MomentsByItem]:
    forms: dict[str, _MomentsByItem] = defaultdict(lambda: defaultdict(list))
    for event in events:
        observation = event.what
        if isinstance(observation, LogLine) and isinstance(observation.text, str):
            named = reader.names(observation.text)
            if named is not None:
                item, form = named
                forms[form][item, observation.worker].append(observation.at)
    return forms


def _mean_delay(view: RunModel, attempts: Sequence[Attempt], lines: _MomentsByItem) -> float | None:
    """Return the average delay of such lines in seconds; None where they mean no start."""
    delays = []
    for attempt in attempts:
        life = view.life(attempt.worker)
        if life is None or not life.run.log_whole or attempt.settled is None:
            return None
        moments = lines.get((attempt.item, life.worker), [])
        if len(moments) != 1:
            return None
        delays.append(moments[0] - _could_begin(attempt, life, moments[0]))
    prompt = sum(delay <= PROMPT for delay in delays)
    if min(delays) < -_SKEW or 100 * prompt < _PROMPT_PERCENT * len(delays):
        return None
    return fmean(delays) if sum(map(len, lines.values())) == len(attempts) else None


def _could_begin(attempt: Attempt, life: WorkerLifetime, until: float) -> float:
    """Return when a worker could begin an item: it had it, and was done with its last one."""
    settlements = (
        earlier.settled.effect
        for earlier in life.attempts
        if earlier.settled and earlier is not attempt
    )
    return max([attempt.delivered.at, *(earlier for earlier in settlements if earlier <= until)])
