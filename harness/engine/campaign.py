"""All runs of one worker: each scenario is played once, shared between processes."""

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
_SCENARIO_TURN = 1800.0

_LEARNED = "learned.json"

_ERROR = "error.txt"

_HISTORY = "history.ndjson"


@dataclass(frozen=True)
class JudgedRun:
    """A history, the judgement of the invariants on it, and why it did not come to its end."""

    judgement: Judgement
    events: tuple[Event, ...]
    error: str
    path: Path

    @property
    def header(self) -> Header:
        return self.judgement.header

    def violated(self) -> set[str]:
        """Return the ids of the invariants that the worker violates."""
        outcome = self.judgement.outcome
        return {name for name in self.judgement.verdicts if outcome(name) is Outcome.FAIL}

    def suspected(self) -> set[str]:
        """Return the ids of invariants that are suspect.

        These are not violated as far as is known, but some evidence is against the worker.
        """
        return {name for name in self.judgement.verdicts if self.judgement.suspect(name)}

    def of_the_job(self) -> set[str]:
        """Return the ids of the invariants that the Job's own settings violate."""
        return {
            name
            for name, verdict in self.judgement.verdicts.items()
            if verdict.about(Subject.JOB).findings
            and verdict.about(Subject.JOB).outcome is Outcome.FAIL
        }

    def unconfirmed_faults(self) -> list[str]:
        """Return the faults that were not seen to land."""
        confirmed = {
            event.what.fault for event in self.events if isinstance(event.what, FaultConfirmed)
        }
        return [name for name in self.header.faults if name not in confirmed]

    def findings_text(self, *names: str) -> list[str]:
        """Return the findings of these invariants other than passes, each with its narrative."""
        lines: list[str] = []
        for name in names:
            for finding in self.judgement[name].findings:
                if finding.outcome is not Outcome.PASS:
                    lines.append(f"{name} {finding.outcome} ({finding.subject}): {finding.reason}")
                    lines += [f"    {line}" for line in self._narrative(finding)]
        return lines

    def _narrative(self, finding: Finding) -> list[str]:
        wanted = set(finding.evidence)
        return narrate(self.judgement.names, [event for event in self.events if event.id in wanted])


def planned_runs(out: Path, worker: WorkerUnderTest, level: Level) -> list[PlannedRun]:
    """Return a run for each scenario of the profile, whether or not campaigns played it."""
    pattern = worker.capabilities.judged_as
    folder = out / level / worker.pattern
    return [
        PlannedRun(
            name=scenario.name,
            says=summary(worker, scenario),
            proves=proved_by(scenario, pattern, level),
            history=_relative(folder / name / _HISTORY, out),
            error=_text(folder / name / _ERROR),
            level=level,
        )
        for name, scenario in playable_scenarios(pattern, level).items()
    ]


@dataclass(frozen=True)
class Campaign:
    """All runs of one worker in one folder; processes that share the folder share the runs."""

    worker: WorkerUnderTest
    #: The image as the nodes know it.
    image: str
    testbed: Callable[[], Testbed]
    folder: Path
    notify: Notify
    factor: float = 1.0
    #: The folder of the fault-free run, when another campaign of the same worker has it.
    home: Path | None = None
    #: The profile whose invariants judge the runs.
    level: Level = "extended"
    #: Called with the progress of each scenario.
    on_progress: ProgressSink = ignore_progress
    #: The time limit of all runs together; None: no limit.
    limit: TimeLimit | None = None

    def judged(self, name: str) -> JudgedRun:
        """Play the scenario of this name, unless it was played already, and judge it."""
        folder = self._play(name)
        path = folder / _HISTORY
        if not path.exists():
            raise InfrastructureError((folder / _ERROR).read_text(encoding="utf-8"))
        with path.open("rb") as file:
            header, lines = read(file, str(path))
            events = tuple(lines)
        error = _text(folder / _ERROR)
        judgement = judge(header, events, self.level)
        if self.limit is not None and judgement.violated(self.level):
            self.limit.broken()
        return JudgedRun(judgement, events, error, path)

    def calibration(self) -> Calibration:
        """Return what the fault-free run teaches.

        Raises `InfrastructureError` where it taught nothing.
        """
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
        purpose = f"it plays {name}"
        with exclusive(root / f"{name}.lock", purpose, timeout=_SCENARIO_TURN, notify=self.notify):
            if not (folder / "over").exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed
                folder.mkdir(parents=True)
                try:
                    self._play_scenario(name, folder)
                except QueuejobError as error:
                    (folder / _ERROR).write_text(str(error), encoding="utf-8")
                (folder / "over").touch()
                self.on_progress(ScenarioFinished(name, _text(folder / _ERROR)))
        return folder

    def _play_scenario(self, name: str, folder: Path) -> None:
        scenario = find_scenario(name)
        if self.limit is not None:
            self.limit.check(scenario.name)
        self.on_progress(ScenarioStarted(name, summary(self.worker, scenario)))
        if name == FAULT_FREE:
            calibration = Calibration()
        else:
            self.on_progress(
                WaitStarted(
                    name, f"the end of {FAULT_FREE}", now() + timedelta(seconds=_SCENARIO_TURN)
                )
            )
            calibration = self.calibration()
        self.on_progress(WaitStarted(name, "a broker with its tap"))
        testbed = self.testbed()
        self.on_progress(WaitStarted(name, ""))
        if self.limit is not None:  # the wait may have used it up
            self.limit.check(scenario.name)
        spec = RunSpec(self.worker, self.image, scenario, testbed, calibration, self.factor)
        time_left = unlimited if self.limit is None else self.limit.left
        result = runner.run(spec, folder, self.on_progress, name, time_left)
        if result.error is not None:
            (folder / _ERROR).write_text(str(result.error), encoding="utf-8")
        if name == FAULT_FREE:
            self._save_calibration(result, folder)

    def _save_calibration(self, played: runner.RunResult, folder: Path) -> None:
        with played.path.open("rb") as file:
            header, lines = read(file, str(played.path))
            events = tuple(lines)
        model = build_model(header, events)
        if not model.attempts:
            return  # no worker was given an item, so there is nothing to learn from
        roles = getattr(played.reader, "roles", None)
        settles = any(attempt.settled and not attempt.settled.at_once for attempt in model.attempts)
        ended = model.job.over is not None
        calibration = Calibration(
            measure(model),
            roles().fault_free() if roles else None,
            settles,
            ended,
            ""
            if self.worker.start_pattern
            else phrase_learning.learned_phrase(events, played.items),
        )
        calibration.save(folder / _LEARNED)


def _relative(path: Path, root: Path) -> str:
    """Return the path of a file relative to `root`; empty where the file is missing or empty."""
    has_content = path.exists() and path.stat().st_size > 0
    return path.relative_to(root).as_posix() if has_content else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
