"""What a report of long histories takes: seconds of CPU, and bytes of each file.

    python bench/report.py [--sizes 5000,50000] [--json FILE]

For each size one history of a worker that does all right, and one of a worker that acknowledges
before the work and says of every tenth item that it begins one that nobody has sent.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import judge
import msgspec

from harness.checks.plan import Asked
from harness.history import Event, ItemSettled, ItemStarted, read
from harness.report import formats
from harness.report.build import Known, build
from harness.report.html import html
from harness.report.model import Case, Harness, Image, Implementation, Report
from harness.report.rows import Run
from harness.report.site import publish
from harness.report.verify import verify

T = TypeVar("T")

SIZES = (5_000, 50_000)
#: What the scenario is asked for; the histories are those of the fine pattern.
PROVES = ("S1", "S2", "S3", "S9", "L1", "L2", "L3")
_HISTORY = "core/fine/fault-free/history.ndjson"


class Row(NamedTuple):
    """What one report took: seconds of CPU by step, bytes by file."""

    worker: str
    events: int
    seconds: dict[str, float]
    bytes: dict[str, int]


def careless(path: Path) -> None:
    """Make of a history one whose worker acknowledges first, and names items that are not."""
    with path.open("rb") as file:
        header, lines = read(file)
        events = list(lines)
    encoder = msgspec.json.Encoder()
    with path.open("wb") as out:
        out.write(encoder.encode(header) + b"\n")
        for event in events:
            out.write(encoder.encode(_hasty(event)) + b"\n")


def _hasty(event: Event) -> Event:
    """Settled a little after it was taken, and not after the work; begun under a wrong name."""
    what = event.what
    if isinstance(what, ItemSettled) and what.at is not None:
        what = msgspec.structs.replace(what, at=what.at - 0.9)
    elif isinstance(what, ItemStarted) and str(what.item).endswith("0"):
        what = msgspec.structs.replace(what, item=f"no-{what.item}")
    return msgspec.structs.replace(event, what=what)


def report(folder: Path, code: int) -> Report:
    known = Known(
        report_id="bench",
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:05:00Z",
        exit_code=code,
        pattern="fine",
        implementation=Implementation(image=Image(ref="bench:1")),
        harness=Harness(version="0"),
        command="queuejob check --pattern fine --image bench:1",
    )
    tests = [
        Case(
            id=f"core/fault-free-{one}",
            level="core",
            scenario="fault-free",
            invariant=one,
            outcome="failed" if code else "passed",
        )
        for one in PROVES
    ]
    run = Run(name="fault-free", says="Nothing is done to it.", proves=PROVES, history=_HISTORY)
    return build(known, tests, [run], folder)


def rows(sizes: list[int]) -> Iterator[Row]:
    for worker in ("careful", "careless"):
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                yield _row(worker, size, Path(folder) / "report", Path(folder) / "site")


def _row(worker: str, size: int, folder: Path, site: Path) -> Row:
    history = folder / _HISTORY
    history.parent.mkdir(parents=True)
    events = judge.write(history, "fine", size)
    if worker == "careless":
        careless(history)
    seconds: dict[str, float] = {}
    made = timed(seconds, "build", lambda: report(folder, int(worker == "careless")))
    timed(seconds, "page", lambda: html(made, folder))
    timed(seconds, "all formats", lambda: formats.write(made, folder))
    asked = Asked(tests=[one.id for one in made.tests], proves={"fault-free": PROVES})
    timed(seconds, "verify", lambda: verify(made, folder, lambda *_: asked))
    shown = timed(seconds, "publish", lambda: publish(folder, site, lambda _: (), html))
    print(made.headline)
    if shown.left_out:
        raise SystemExit(f"it was not published: {shown.left_out}")
    sizes = {one.name: one.stat().st_size for one in sorted(folder.iterdir()) if one.is_file()}
    allure = (folder / "allure-results").iterdir()
    sizes["allure-results"] = sum(one.stat().st_size for one in allure)
    return Row(worker, events, seconds, {"history.ndjson": history.stat().st_size, **sizes})


def timed(seconds: dict[str, float], step: str, do: Callable[[], T]) -> T:
    began = time.process_time()  # of a machine that does other things as well
    made = do()
    seconds[step] = round(time.process_time() - began, 2)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--json", type=Path, help="write the table here, too")
    options = parser.parse_args()
    done = []
    for row in rows([int(one) for one in options.sizes.split(",")]):
        done.append(row._asdict())
        print(f"{row.events} events of a {row.worker} worker")
        print("  seconds  " + ", ".join(f"{step} {took:.2f}" for step, took in row.seconds.items()))
        print("  kB       " + ", ".join(f"{n} {size / 1e3:.0f}" for n, size in row.bytes.items()))
    if options.json:
        options.json.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
