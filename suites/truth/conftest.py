"""One process for each worker; and the table, written where all reports are gathered."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # has no types

from harness import __version__
from harness.core import clock
from harness.core.errors import QueuejobError
from harness.fixtures.session.stash import SETTINGS
from harness.suites.truth.sample import COMPARED, sample
from harness.suites.truth.table import ROW, Line, Row, line, markdown
from harness.suites.truth.verdicts import Said


class ByWorker(LoadScopeScheduling):  # type: ignore[misc]  # has no types
    """Takes `test_…[PAIR-SCENARIO]` apart: nobody waits for another's undisturbed run."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = nodeid.rpartition("[")[2].rpartition("-")[0] or nodeid
        return scope


class Writer:
    """Gathers the rows, and leaves the table in `truth/` of the folder for what is left."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._began = config, clock.monotonic()
        self._rows: list[Row] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._rows += [
                msgspec.convert(value, Row) for name, value in report.user_properties if name == ROW
            ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._rows:
            return
        lines, runs = _lines(self._rows), len(self._rows)
        minutes = (clock.monotonic() - self._began) / 60
        head = (
            f"Made by `tox -e truth` (version {__version__}): {runs} runs of {len(lines)} workers "
            f"on a real cluster in {minutes:.0f} minutes."
        )
        folder = self._config.stash[SETTINGS].out / "truth"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rows.json").write_bytes(msgspec.json.encode(self._rows))
        (folder / "RESULT.md").write_text(markdown(lines, head), encoding="utf-8")
        terminalreporter.write_line(f"the table is in {folder}")


def _lines(rows: list[Row]) -> list[Line]:
    """One for each worker that was played, in the order of the sample."""
    told: dict[str, list[Said]] = {}
    for row in rows:
        told.setdefault(row.worker, []).append(row.said)
    played = [one for one in sample() if one.name in told]
    return [
        line(one, told[one.name], _simulated(one) if place < COMPARED else None)
        for place, one in enumerate(played)
    ]


def _simulated(stranger: Any) -> list[Said] | None:
    """What the simulator says, where it is at hand: it is not in the wheel."""
    try:
        simulator = importlib.import_module("harness.suites.unit.simulator.truth")
    except ImportError:
        return None
    try:
        return list(simulator.check(stranger))
    except QueuejobError:
        return None


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(config), "queuejob-truth")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWorker:
    """Instead of xdist's own, which knows nothing of workers, nor how long they take."""
    config.option.loadscopereorder = False
    return ByWorker(config, log)
