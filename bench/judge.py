"""How long it takes to judge long histories, and how much memory: for both patterns, four sizes.

    python bench/judge.py [--sizes 125000,250000,500000,1000000] [--json FILE]

Ends with 1 where a bound is broken: 60 s and 1.5 GB for a million events, and no more for each
event of a long history than for one of a short history (within a factor).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.checks.verdict import Outcome
from harness.cli.judge import judge_file
from harness.history import (
    SCHEMA,
    AskedForItem,
    Bounds,
    BrokerDepth,
    Condition,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionOwner,
    ContainerSeen,
    Event,
    Figures,
    FoundEmpty,
    Header,
    ItemDelivered,
    ItemDone,
    ItemEnqueued,
    ItemLeased,
    ItemReclaimed,
    ItemSettled,
    ItemStarted,
    JobSeen,
    LogLine,
    PodSeen,
    RunEnded,
    What,
    Worker,
)

SIZES = (125_000, 250_000, 500_000, 1_000_000)
MOST_SECONDS, MOST_BYTES = 60.0, 1.5e9
#: What an event of the longest history may cost, of what it costs in the shortest.
MOST_GROWTH = 1.5
#: Workers of the fine pattern, and every how many items one of them loses one.
WORKERS, LOST = 50, 100


def header(pattern: str) -> Header:
    return Header(
        schema=SCHEMA,
        scenario="bench",
        pattern=pattern,
        image="bench:1",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        bounds=Bounds(reclaim=60, progress=60, end=1e9),
        figures=Figures(work=1.0, lease=10.0, starts_matched=True, settles_after_work=True),
    )


def pod(number: int, at: float) -> Iterator[What]:
    """A pod begins, and its worker connects."""
    worker = Worker(f"uid-{number}")
    yield PodSeen("added", worker.pod, f"pod-{number}", "Pending", 10 * number + 1)
    yield ContainerSeen(worker, "running", 10 * number + 2, started=float(int(at)))
    yield ConnectionOpened(number, "10.0.0.1", 4000, at=at)
    yield ConnectionOwner(number, worker)


def end(number: int, at: float) -> Iterator[What]:
    """Its worker succeeds."""
    yield ConnectionClosed(number, "client", at=at)
    yield ContainerSeen(
        Worker(f"uid-{number}"), "terminated", 10**9 + number, exit_code=0, finished=float(int(at))
    )


def work(item: str, number: int, at: float, *, leased: bool) -> Iterator[What]:
    """A worker takes an item, works on it for a second and settles it."""
    worker, token = Worker(f"uid-{number}"), f"token of {item}"
    yield AskedForItem(number, "queue", at=at)
    yield ItemDelivered(item, number, token, at + 10 if leased else None, at=at)
    yield LogLine(worker, f"Working on {item}", at=at)
    yield ItemStarted(item, worker, at=at)
    if leased:
        yield ItemLeased(item, number, token, at + 10.5, at=at + 0.5)
    yield LogLine(worker, f"Done {item}", at=at + 1)
    yield ItemDone(item, worker, at=at + 1)
    yield ItemSettled(item, number, "acked", token, True if leased else None, at=at + 1)


def fine(items: int) -> Iterator[tuple[float, What]]:
    """Many items for a few workers; some are lost and taken over by the next."""
    for number in range(items):
        yield 0.0, ItemEnqueued(f"item-{number}", "queue")
    for number in range(WORKERS):
        yield from ((0.5, what) for what in pod(number, 0.5))
    at = 1.0
    for number in range(items):
        at = 1.0 + 2 * (number // WORKERS)
        who, item = number % WORKERS, f"item-{number}"
        if number % LOST == 0:
            other = (who + 1) % WORKERS
            yield at, ItemDelivered(item, other, f"first token of {item}", at, at=at)
            yield at, ItemReclaimed(item, who, at=at)
        yield from ((at, what) for what in work(item, who, at, leased=True))
        yield at + 1, FoundEmpty(who, "queue", at=at + 1)
    for number in range(WORKERS):
        yield from ((at + 2, what) for what in end(number, at + 2))
    yield at + 3, JobSeen("job", 2 * 10**9, 2, None, 0, 2, 0, (Condition("Complete", "True"),))
    yield at + 4, BrokerDepth("queue", 0, leased=0, final=True)


def coarse(items: int) -> Iterator[tuple[float, What]]:
    """A pod for each message."""
    for number in range(items):
        yield 0.0, ItemEnqueued(f"item-{number}", "queue")
    at = 1.0
    for number in range(items):
        at = 1.0 + 2 * number
        yield from ((at, what) for what in pod(number, at))
        yield from ((at, what) for what in work(f"item-{number}", number, at, leased=False))
        yield from ((at + 1.5, what) for what in end(number, at + 1.5))
        seen = JobSeen("job", 10 * number + 5, 2, items, 1, number, 0)
        yield at + 1.6, seen
    last = JobSeen("job", 2 * 10**9, 2, items, 0, items, 0, (Condition("Complete", "True"),))
    yield at + 3, last
    yield at + 4, BrokerDepth("queue", 0, unacked=0, final=True)


#: By pattern: the run, and how many events it has for each item.
RUNS = {"fine": (fine, 10), "coarse": (coarse, 15)}


def write(path: Path, pattern: str, size: int) -> int:
    """A history of about that many events; how many they are."""
    run, each = RUNS[pattern]
    encoder, numbers = msgspec.json.Encoder(), count(1)
    last, number = 0.0, 0
    with path.open("wb") as file:
        file.write(encoder.encode(header(pattern)) + b"\n")
        for at, what in run(size // each):
            last, number = max(last, at), next(numbers)
            file.write(encoder.encode(Event(number, last, "bench", what)) + b"\n")
        number = next(numbers)
        file.write(encoder.encode(Event(number, last, "bench", RunEnded())) + b"\n")
    return number


class Row(NamedTuple):
    """What it took to judge one history."""

    pattern: str
    events: int
    seconds: float
    megabytes: int
    found: str

    @property
    def microseconds(self) -> float:
        """For each event."""
        return 1e6 * self.seconds / self.events


def measure(path: Path) -> tuple[float, float, str]:
    """Judge a file in a process of its own: seconds of CPU, most bytes, and what was found."""
    began = time.process_time()  # of a machine that does other things as well
    judgement = judge_file(path)
    seconds = time.process_time() - began
    outcomes = [verdict.outcome for verdict in judgement.verdicts.values()]
    found = " ".join(f"{outcomes.count(one)} {one}" for one in Outcome)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0, found


def rows(sizes: Sequence[int]) -> Iterator[Row]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for pattern in RUNS:
            for size in sizes:
                path = Path(folder) / "history.ndjson"
                events = write(path, pattern, size)
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    seconds, used, found = pool.submit(measure, path).result()
                yield Row(pattern, events, round(seconds, 2), round(used / 1e6), found)


def broken(done: Sequence[Row]) -> list[str]:
    """The bounds that do not hold."""
    said = []
    for pattern in RUNS:
        own = [row for row in done if row.pattern == pattern]
        if own[-1].microseconds > MOST_GROWTH * own[0].microseconds:
            said.append(f"{pattern}: an event costs more in a long history than in a short one")
    for row in done:
        share = max(1.0, row.events / 1e6)
        if row.seconds > MOST_SECONDS * share or row.megabytes * 1e6 > MOST_BYTES * share:
            said.append(f"{row.pattern}: {row.events} events took too long, or too much memory")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--json", type=Path, help="write the table here, too")
    options = parser.parse_args()
    print("pattern    events   seconds  µs/event   most MB  found")
    done = []
    for row in rows([int(one) for one in options.sizes.split(",")]):
        done.append(row)
        print(
            f"{row.pattern:<8} {row.events:>8} {row.seconds:>9.2f} {row.microseconds:>9.2f}"
            f" {row.megabytes:>9}  {row.found}",
            flush=True,
        )
    if options.json:
        table = [row._asdict() for row in done]
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    faults = broken(done)
    print("\n".join(faults) or "all bounds hold")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
