"""All runs of one worker: each scenario is played once, whoever asks for it first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from harness.checks.judge import Judgement, judge
from harness.checks.levels import Level
from harness.checks.model import build_model, measure
from harness.checks.narrative import narrate
from harness.checks.plan import FAULT_FREE, proved_by
from harness.checks.verdict import Finding, Outcome, Subject
from harness.core.clock import now
from harness.core.errors import InfrastructureError, QueuejobError
from harness.core.file_lock import exclusive
from harness.core.progress import Notify
from harness.core.time_limit import TimeLimit, unlimited
from harness.engine import phrase_learning, runner
from harness.engine.calibration import Calibration
from harness.engine.progress.events import (
    ProgressSink,
    ScenarioFinished,
    ScenarioStarted,
    WaitStarted,
    ignore_progress,
)
from harness.engine.run_spec import RunSpec, summary
from harness.engine.scenario import find_scenario, playable_scenarios
from harness.engine.testbed import Testbed
from harness.engine.worker.worker_under_test import WorkerUnderTest
from harness.history import Event, FaultConfirmed, Header, read
from harness.report.rows import PlannedRun

#: Seconds to wait for another process that plays the same scenario.
_TURN = 1800.0

_LEARNED = "learned.json"

_ERROR = "error.txt"

_HISTORY = "history.ndjson"


@dataclass(frozen=True)
class JudgedRun:
    """A history with what the invariants say about it, and why it did not come to its end."""

    judgement: Judgement
    events: tuple[Event, ...]
    error: str
    path: Path

    @property
    def header(self) -> Header:
        return self.judgement.header

    def violated(self) -> set[str]:
        """The ids of the invariants that the worker breaks."""
        outcome = self.judgement.outcome
        return {name for name in self.judgement.verdicts if outcome(name) is Outcome.FAIL}

    def suspected(self) -> set[str]:
        """The ids of those that are not broken as far as is known, though something speaks
        against the worker."""
        return {name for name in self.judgement.verdicts if self.judgement.suspect(name)}

    def of_the_job(self) -> set[str]:
        """The ids of those that are broken by what the Job asks for."""
        return {
            name
            for name, verdict in self.judgement.verdicts.items()
            if verdict.about(Subject.JOB).findings
            and verdict.about(Subject.JOB).outcome is Outcome.FAIL
        }

    def unconfirmed_faults(self) -> list[str]:
        """The faults that were not seen to land."""
        seen = {one.what.fault for one in self.events if isinstance(one.what, FaultConfirmed)}
        return [name for name in self.header.faults if name not in seen]

    def findings_text(self, *names: str) -> list[str]:
        """What is said about these invariants beside that they hold, each with its story."""
        lines: list[str] = []
        for name in names:
            for finding in self.judgement[name].findings:
                if finding.outcome is not Outcome.PASS:
                    lines.append(f"{name} {finding.outcome} ({finding.subject}): {finding.reason}")
                    lines += [f"    {line}" for line in self._story(finding)]
        return lines

    def _story(self, finding: Finding) -> list[str]:
        wanted = set(finding.evidence)
        return narrate(self.judgement.names, [one for one in self.events if one.id in wanted])


def planned_runs(out: Path, worker: WorkerUnderTest, level: Level) -> list[PlannedRun]:
    """What campaigns have left in `out`: a run for each scenario of the profile, played or not."""
    pattern = worker.pattern
    folder = out / level / pattern
    return [
        PlannedRun(
            name=one.name,
            says=summary(worker, one),
            proves=proved_by(one, pattern, level),
            history=_relative(folder / name / _HISTORY, out),
            error=_text(folder / name / _ERROR),
            level=level,
        )
        for name, one in playable_scenarios(pattern, level).items()
    ]


@dataclass(frozen=True)
class Campaign:
    """One worker, one folder; processes that share the folder share what was played."""

    worker: WorkerUnderTest
    #: The image as the nodes know it.
    image: str
    testbed: Callable[[], Testbed]
    folder: Path
    notify: Notify
    factor: float = 1.0
    #: Where the fault-free run is, when it is another campaign's of the same worker.
    home: Path | None = None
    #: The profile by whose invariants the runs are judged.
    level: Level = "extended"
    #: Is told how each scenario goes on.
    on_progress: ProgressSink = ignore_progress
    #: How long all of it may take; None: as long as it does.
    limit: TimeLimit | None = None

    def judged(self, name: str) -> JudgedRun:
        """The scenario of this name: played, unless it was, and judged."""
        folder = self._play(name)
        path = folder / _HISTORY
        if not path.exists():
            raise InfrastructureError((folder / _ERROR).read_text(encoding="utf-8"))
        with path.open("rb") as file:
            header, lines = read(file, str(path))
            events = tuple(lines)
        why = _text(folder / _ERROR)
        judgement = judge(header, events, self.level)
        if self.limit is not None and judgement.violated(self.level):
            self.limit.broken()
        return JudgedRun(judgement, events, why, path)

    def calibration(self) -> Calibration:
        """What the fault-free run teaches; `InfrastructureError` where it taught nothing."""
        path = self._play(FAULT_FREE) / _LEARNED
        if not path.exists():
            raise InfrastructureError(
                "nothing is known about this worker",
                expected="a fault-free run from which the bounds of all others come",
                seen=_text(path.parent / _ERROR) or "no item that was given to anybody",
                todo="see to the fault-free scenario first",
            )
        return Calibration.load(path)

    def _play(self, name: str) -> Path:
        root = self.home if self.home and name == FAULT_FREE else self.folder
        folder = root / name
        root.mkdir(parents=True, exist_ok=True)
        what = f"it plays {name}"
        with exclusive(root / f"{name}.lock", what, timeout=_TURN, tell=self.notify):
            if not (folder / "over").exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one who was killed
                folder.mkdir(parents=True)
                try:
                    self._perform(name, folder)
                except QueuejobError as error:
                    (folder / _ERROR).write_text(str(error), encoding="utf-8")
                (folder / "over").touch()
                self.on_progress(ScenarioFinished(name, _text(folder / _ERROR)))
        return folder

    def _perform(self, name: str, folder: Path) -> None:
        scenario = find_scenario(name)
        if self.limit is not None:
            self.limit.check(scenario.name)
        self.on_progress(ScenarioStarted(name, summary(self.worker, scenario)))
        if name == FAULT_FREE:
            learned = Calibration()
        else:
            self.on_progress(
                WaitStarted(name, f"the end of {FAULT_FREE}", now() + timedelta(seconds=_TURN))
            )
            learned = self.calibration()
        self.on_progress(WaitStarted(name, "a broker with its tap"))
        station = self.testbed()
        self.on_progress(WaitStarted(name, ""))
        if self.limit is not None:  # it may have been over while others were waited for
            self.limit.check(scenario.name)
        part = RunSpec(self.worker, self.image, scenario, station, learned, self.factor)
        left = unlimited if self.limit is None else self.limit.left
        played = runner.run(part, folder, self.on_progress, name, left)
        if played.error is not None:
            (folder / _ERROR).write_text(str(played.error), encoding="utf-8")
        if name == FAULT_FREE:
            self._learn(played, folder)

    def _learn(self, played: runner.RunResult, folder: Path) -> None:
        with played.path.open("rb") as file:
            header, lines = read(file, str(played.path))
            events = tuple(lines)
        view = build_model(header, events)
        if not view.attempts:
            return  # nobody was given anything: there is nothing to go by
        roles = getattr(played.reader, "roles", None)
        settles = any(one.settled and not one.settled.at_once for one in view.attempts)
        ended = view.job.over is not None
        known = Calibration(
            measure(view),
            roles().fault_free() if roles else None,
            settles,
            ended,
            ""
            if self.worker.start_pattern
            else phrase_learning.learned_phrase(events, played.items),
        )
        known.save(folder / _LEARNED)


def _relative(path: Path, root: Path) -> str:
    """The path of a file below `root`, empty where there is none (or nothing in it)."""
    there = path.exists() and path.stat().st_size > 0
    return path.relative_to(root).as_posix() if there else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
