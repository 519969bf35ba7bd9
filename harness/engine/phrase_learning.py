"""The words with which a worker says that it begins, where they are none of the built-in ones.

In the fault-free run a line that names an item and comes as soon as its worker was given that item,
for each item once and in the same form, says that the work on it begins, in whatever language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from harness.checks.model import PROMPT, Attempt, RunModel, WorkerLifetime, build_model
from harness.history import Event, Header, ItemDone, ItemStarted, LogLine, Payload, Worker
from harness.history.log_phrases import LineReader

#: So many items together show how a worker speaks.
_FEW = 3
#: Of a hundred lines about a beginning so many come at once.
_MOST = 75
#: Seconds by which the clocks of tap and kubelet may differ.
_SKEW = 0.1


def statements(
    header: Header, events: Sequence[Event], items: Sequence[bytes]
) -> list[ItemStarted]:
    """What lines in a worker's own words say, as it would have been recorded at once.

    `events` are those of a fault-free run. Nothing where a line in built-in words, or in the
    owner's, has told of a beginning.
    """
    form = _beginnings(build_model(header, events), events, items)
    return list(_told(events, items, form)) if form else []


def learned_phrase(events: Iterable[Event], items: Sequence[bytes]) -> str:
    """The form of such lines, for `LineReader`, where a beginning was told by it."""
    lines, reader = dict[int, str](), LineReader(items)
    for event in events:
        what = event.what
        if isinstance(what, LogLine) and isinstance(what.text, str):
            lines[event.id] = what.text
        elif isinstance(what, ItemStarted) and not what.guess and what.line in lines:
            named = reader.names(lines[what.line])
            if named is not None:
                return named[1]
    return ""


def _beginnings(view: RunModel, events: Iterable[Event], items: Sequence[bytes]) -> str:
    attempts = [one for one in view.attempts if one.settled is not None]
    if len(attempts) < _FEW or any(one.started for one in view.attempts):
        return ""
    if any(len(item.enqueued) > 1 for item in view.sent):
        return ""  # nobody could say which of equal ones a line is about
    found = {
        form: delay
        for form, lines in _by_form(events, LineReader(items)).items()
        if (delay := _delay(view, attempts, lines)) is not None
    }
    return min(found, key=lambda form: found[form], default="")


def _told(events: Sequence[Event], items: Sequence[bytes], form: str) -> Iterator[ItemStarted]:
    reader = LineReader(items, begins=form)
    known = {one.what.line for one in events if isinstance(one.what, (ItemStarted, ItemDone))}
    for event in events:
        what = event.what
        if isinstance(what, LogLine) and isinstance(what.text, str) and event.id not in known:
            told = reader.read(what.text)
            if told is not None and told.kind == "start":
                yield ItemStarted(told.item, what.worker, event.id, what.at, told.guess)


#: When lines of one form came, by what they name and by who wrote them.
_Lines = dict[tuple[Payload, Worker], list[float]]


def _by_form(events: Iterable[Event], reader: LineReader) -> dict[str, _Lines]:
    found: dict[str, _Lines] = defaultdict(lambda: defaultdict(list))
    for event in events:
        what = event.what
        if isinstance(what, LogLine) and isinstance(what.text, str):
            named = reader.names(what.text)
            if named is not None:
                item, form = named
                found[form][item, what.worker].append(what.at)
    return found


def _delay(view: RunModel, attempts: Sequence[Attempt], lines: _Lines) -> float | None:
    """How soon such lines come, in seconds on the average; None where they say no beginning."""
    delays = []
    for attempt in attempts:
        life = view.life(attempt.worker)
        if life is None or not life.run.log_whole or attempt.settled is None:
            return None
        own = lines.get((attempt.item, life.worker), [])
        if len(own) != 1:
            return None
        delays.append(own[0] - _free(attempt, life, own[0]))
    prompt = sum(one <= PROMPT for one in delays)
    if min(delays) < -_SKEW or 100 * prompt < _MOST * len(delays):
        return None
    return fmean(delays) if sum(map(len, lines.values())) == len(attempts) else None


def _free(attempt: Attempt, life: WorkerLifetime, until: float) -> float:
    """When a worker could begin with an item: it was given it, and had done what it had before."""
    done = (one.settled.effect for one in life.attempts if one.settled and one is not attempt)
    return max([attempt.delivered.at, *(one for one in done if one <= until)])
