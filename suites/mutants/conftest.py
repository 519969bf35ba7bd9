"""One process for each worker; and the matrix, written where all reports are gathered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # has no types

from harness import __version__
from harness.checks.judge import invariants
from harness.core import clock
from harness.fixtures.session.stash import SETTINGS
from harness.suites.mutants import picture
from harness.suites.mutants.matrix import ROW, Matrix, Row, lines, markdown
from harness.suites.verdicts.cases import all_cases

_COMMAND = "tox -e mutants"


class ByWorker(LoadScopeScheduling):  # type: ignore[misc]  # has no types
    """Takes `test_…[WORKER-SCENARIO]` apart: nobody waits for another's undisturbed run."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = nodeid.rpartition("[")[2].rpartition("-")[0] or nodeid
        return scope


class Writer:
    """Gathers the rows, and leaves the matrix in `mutants/` of the folder for what is left."""

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
        matrix = self._matrix()
        folder = self._config.stash[SETTINGS].out / "mutants"
        folder.mkdir(parents=True, exist_ok=True)
        encoded = msgspec.json.format(msgspec.json.encode(matrix)) + b"\n"
        (folder / "matrix.json").write_bytes(encoded)
        (folder / "RESULT.md").write_text(markdown(matrix), encoding="utf-8")
        (folder / "matrix.svg").write_text(picture.draw(matrix), encoding="utf-8")
        terminalreporter.write_line(f"the matrix is in {folder}")

    def _matrix(self) -> Matrix:
        made = lines(all_cases(), self._rows)
        told = {name for line in made for name in line.cells}
        return Matrix(
            command=_COMMAND,
            version=__version__,
            seconds=round(clock.monotonic() - self._began),
            at_once=self._config.getoption("numprocesses", None) or 1,
            invariants=[one.id for one in invariants() if one.id in told],
            lines=made,
        )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(config), "queuejob-matrix")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWorker:
    """Instead of xdist's own, which knows nothing of workers, nor how long they take."""
    config.option.loadscopereorder = False
    return ByWorker(config, log)
