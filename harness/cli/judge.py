"""`queuejob judge`: judge recorded histories again without a cluster; print the result."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from harness.checks.judge import Judgement, invariants, judge
from harness.checks.levels import Level
from harness.checks.narrative import narrate
from harness.checks.plan import needed, part_of
from harness.checks.verdict import Finding, Outcome, Verdict
from harness.core.errors import (
    EXIT_NOT_PROVED,
    EXIT_OK,
    EXIT_VIOLATED,
    InfrastructureError,
    QueuejobError,
)
from harness.core.text import clean
from harness.history import Event, Header, read

#: Returns the invariants that a run is asked to prove, from its header.
Needed = Callable[[Header], Collection[str]]
#: Returns the profile that a run is part of, from its header.
PartOf = Callable[[Header], Level]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to the parser."""
    parser.add_argument("histories", nargs="+", type=Path, metavar="HISTORY")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return judge_files(options.histories, sys.stdout, needed, part_of)


def judge_files(
    paths: Sequence[Path], out: TextIO, needed: Needed | None = None, part_of: PartOf | None = None
) -> int:
    """Judge each file, and write the findings to `out`.

    Args:
        paths: The histories.
        out: Where the findings are written.
        needed: Returns the invariants that have to be proved; default: all of the pattern.
        part_of: Returns the profile whose broken guarantees count; default: any.

    Returns:
        1 if a guarantee of the profile is broken; 6 if a file cannot be judged or a needed
        invariant is not proved; otherwise 0.
    """
    codes = {EXIT_OK}
    for path in paths:
        try:
            judgement = judge_file(path)
            lines = list(_lines(path, judgement))
        except QueuejobError as error:
            out.write(f"{error}\n\n")
            codes.add(EXIT_NOT_PROVED)
            continue
        out.writelines(f"{line}\n" for line in lines)
        level = part_of(judgement.header) if part_of else "extended"
        codes.add(_code(judgement, needed, level))
    return next(code for code in (EXIT_VIOLATED, EXIT_NOT_PROVED, EXIT_OK) if code in codes)


def judge_file(path: Path) -> Judgement:
    """Judge one file. Raises `BrokenHistory`, or `InfrastructureError` if it is unreadable."""
    with _opened(path) as (header, events):
        return judge(header, events)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Header, Iterator[Event]]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InfrastructureError(f"the history {path} cannot be read: {error}") from None
    with file:
        yield read(file, str(path))


def _code(judgement: Judgement, needed: Needed | None, level: Level) -> int:
    if judgement.violated(level):
        return EXIT_VIOLATED
    names = judgement.verdicts if needed is None else needed(judgement.header)
    missing = [name for name in names if not judgement.proved(name)]
    return EXIT_NOT_PROVED if missing or not names else EXIT_OK


def _lines(path: Path, judgement: Judgement) -> Iterator[str]:
    header = judgement.header
    yield clean(f"{path}: {header.scenario}, {header.pattern}, {header.image}")
    events = _evidence(path, judgement.verdicts.values())
    names = {invariant.id: invariant.name for invariant in invariants()}
    width = max(map(len, names.values()))
    for name, verdict in judgement.verdicts.items():
        yield f"  {name:<4} {names.get(name, ''):<{width}}  {str(verdict.outcome).upper()}"
        for finding in verdict.findings:
            yield from _finding(judgement, finding, events, many=len(verdict.findings) > 1)
    yield ""


def _finding(
    judgement: Judgement, finding: Finding, events: dict[int, Event], *, many: bool
) -> Iterator[str]:
    outcome = f"{finding.outcome}: " if many else ""
    failed = finding.outcome is Outcome.FAIL
    subject = f" (subject: {finding.subject})" if failed else ""
    yield clean(f"         {outcome}{finding.reason}{subject}")
    if failed:
        cited = [events[event_id] for event_id in finding.evidence if event_id in events]
        yield from (f"             {line}" for line in narrate(judgement.names, cited))


def _evidence(path: Path, verdicts: Iterable[Verdict]) -> dict[int, Event]:
    """Read the events that show the failures, in a second pass over the file."""
    wanted = {
        event_id
        for verdict in verdicts
        for finding in verdict.findings
        if finding.outcome is Outcome.FAIL
        for event_id in finding.evidence
    }
    if not wanted:
        return {}
    with _opened(path) as (_, events):
        return {event.id: event for event in events if event.id in wanted}
