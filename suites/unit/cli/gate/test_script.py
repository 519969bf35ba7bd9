"""ci/gate.sh as a CI runs it: the real command, the real verification, only `check` is prepared."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import __version__
from harness.core import commands
from harness.report import formats
from harness.report.build import build
from harness.report.model import Harness, Image, Implementation, Report
from harness.suites.unit.dsl.history import good_fine
from harness.suites.unit.dsl.reports import PROVES, cases, known, run

ROOT = Path(__file__).parents[4]
HERE = "sha256:" + "a" * 64
#: `queuejob`: its `check` leaves what is in `prepared` and ends with 0, whatever that is; all else
#: is the real one, for which the profile has one scenario.
QUEUEJOB = f"""#!{sys.executable}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
if sys.argv[1] == "check":
    (here / "called").touch()
    out = next(word for word in sys.argv if word.startswith("--out=")).removeprefix("--out=")
    shutil.copytree(here / "prepared", out, dirs_exist_ok=True)
    sys.exit(0)
from harness.report import store
from harness.cli.main import main
from harness.checks.plan import Asked
ids = ["core/fault-free-" + one for one in {PROVES!r}]
store.asked = lambda *_: Asked(ids, {{"fault-free": {PROVES!r}}})
sys.exit(main(sys.argv[1:]))
"""
#: `docker`, which has the image.
INSPECTED = [{"Id": HERE, "Os": "linux", "Architecture": "amd64", "Config": {}}]
DOCKER = f"""#!/bin/sh
case "$*" in
*--format*) echo {HERE} ;;
*) echo '{json.dumps(INSPECTED)}' ;;
esac
"""


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """What `check` leaves."""
    for name, text in (("queuejob", QUEUEJOB), ("docker", DOCKER)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    folder = tmp_path / "prepared"
    folder.mkdir()
    return folder


def gate(folder: Path, **variables: str) -> commands.Completed:
    env = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "QUEUEJOB_IMAGE": "my/worker:1",
        "QUEUEJOB_PATTERN": "fine",
        "QUEUEJOB_REPORTS": str(folder / "reports"),
        **variables,
    }
    return commands.run([ROOT / "ci" / "gate.sh"], timeout=60, check=False, env=env, cwd=folder)


def report(folder: Path, digest: str = HERE, played: bool = True, **outcomes: str) -> Report:
    """A report of this version; `check` has ended with 0."""
    image = Image(ref="my/worker:1", digest=digest, digest_kind="imageId")
    facts = known(harness=Harness(version=__version__), implementation=Implementation(image=image))
    runs = [run(folder, "fault-free", good_fine())] if played else []
    return build(facts, cases("fault-free", **outcomes), runs, folder)


def test_it_is_green_for_a_conformant_image(prepared: Path) -> None:
    formats.write(report(prepared), prepared)
    done = gate(prepared.parent)
    assert done.code == 0, done.stdout + done.stderr
    assert "result=conformant\nexit-code=0\n" in (prepared.parent / "outputs").read_text()
    assert "::error" not in done.stdout


def no_test(folder: Path) -> Report:
    facts = known(
        harness=Harness(version=__version__), implementation=report(folder).implementation
    )
    return build(facts, [], [], folder)


def all_skipped(folder: Path) -> Report:
    return report(folder, played=False, **dict.fromkeys(PROVES, "skipped"))


def some_left_out(folder: Path) -> Report:
    return report(folder, S2="notRun")


def cluster_down(folder: Path) -> Report:
    return report(folder, played=False, **dict.fromkeys(PROVES, "errored"))


def wrong_digest(folder: Path) -> Report:
    return report(folder, digest="sha256:" + "b" * 64)


def fault_missed(folder: Path) -> Report:
    """Its tests say that they have passed, although the fault was never seen to land."""
    made = report(folder)
    runs = [run(folder, "fault-free", good_fine(faults=("pod deleted",)))]
    facts = known(harness=made.harness, implementation=made.implementation)
    return build(facts, cases("fault-free"), runs, folder)


@pytest.mark.parametrize(
    "make", [no_test, all_skipped, some_left_out, cluster_down, wrong_digest, fault_missed]
)
def test_what_proves_nothing_is_not_green(prepared: Path, make: Callable[[Path], Report]) -> None:
    """Even if `check` should have ended with 0."""
    formats.write(make(prepared), prepared)
    done = gate(prepared.parent)
    assert done.code == 6, done.stdout + done.stderr
    assert "Not green (exit code 6)" in (prepared.parent / "summary").read_text()
    assert sum(line.startswith("::error") for line in done.stdout.splitlines()) == 1


def test_no_report_is_not_green(prepared: Path) -> None:
    done = gate(prepared.parent)
    assert done.code == 6
    assert "result=invalid\nexit-code=6\n" in (prepared.parent / "outputs").read_text()


def test_another_image_than_asked_for_is_not_tested(prepared: Path) -> None:
    formats.write(report(prepared), prepared)
    assert gate(prepared.parent, QUEUEJOB_DIGEST="sha256:" + "b" * 64).code == 6
    assert not (prepared.parent / "called").exists()


def test_a_partial_run_is_told_beside_its_baseline(prepared: Path) -> None:
    """What was proved then and not looked at now is worse, not the same."""
    baseline = prepared.parent / "baseline"
    formats.write(report(baseline), baseline)
    formats.write(report(prepared, played=False, **dict.fromkeys(PROVES, "notRun")), prepared)
    done = gate(prepared.parent, QUEUEJOB_BASELINE=str(baseline / "report.json"))
    assert done.code == 6
    assert "the result was conformant, and is invalid" in done.stdout
    assert "S1 in fault-free was pass, and was not looked at" in done.stdout
