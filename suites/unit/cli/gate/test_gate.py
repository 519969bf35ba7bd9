"""The gate is green when an image conforms, and at no other time; it tells why, once."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from harness.cli.gate import command
from harness.cli.gate.gate import Asked, Gate
from harness.cli.gate.github import SUMMARY_LIMIT, CiStep, shortened
from harness.cli.main import main
from harness.core import commands
from harness.report import formats, model
from harness.report.baseline import regressions
from harness.report.canonical import decode, sealed
from harness.report.model import Harness, Report, Result
from harness.suites.unit.dsl import reports as made

ROOT = Path(__file__).parents[4]
DIGEST = "sha256:" + "a" * 64
ASKED = Asked(DIGEST, ("--image=my/worker:1", "--pattern=fine"))
#: Stands for `queuejob check`: what it would have written is in `prepared`, its code in `code`.
CHECK = f"""#!{sys.executable}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
print("::error::a worker has printed this")
out = next(word for word in sys.argv if word.startswith("--out=")).removeprefix("--out=")
if (here / "prepared").is_dir():
    shutil.copytree(here / "prepared", out, dirs_exist_ok=True)
sys.exit(int((here / "code").read_text()))
"""


class Bench:
    """A gate on a stub of `queuejob check`, in what looks like a step on GitHub."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines: list[str] = []
        self.prepared = root / "prepared"
        stub = root / "queuejob"
        stub.write_text(CHECK)
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
        self.wrong: list[str] = []
        self.summary, self.outputs = root / "summary", root / "outputs"

    def prepare(
        self, make: Callable[..., Report] = made.good, code: int = 0, **fields: Any
    ) -> None:
        """What the next `check` writes, and ends with."""
        shutil.rmtree(self.prepared, ignore_errors=True)
        self.prepared.mkdir()
        formats.write(make(self.prepared), self.prepared)
        self.ends_with(code)

    def change(self, **fields: Any) -> None:
        """Write another report in place of what is prepared."""
        report = decode((self.prepared / "report.json").read_bytes())
        formats.write(sealed(msgspec.structs.replace(report, **fields)), self.prepared)

    def ends_with(self, code: int) -> None:
        (self.root / "code").write_text(str(code))

    def run(self, asked: Asked = ASKED, baseline: Path | None = None, **harness: Any) -> int:
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.outputs),
        }
        gate = Gate(
            reports=self.root / "reports",
            harness=Harness(version="1.2", **harness),
            verify=lambda _: self.wrong,
            forge=CiStep(variables, self.lines.append),
            command=(str(self.root / "queuejob"),),
        )
        return gate.run(asked, baseline)

    @property
    def calls(self) -> int:
        file = self.root / "calls"
        return len(file.read_text().splitlines()) if file.exists() else 0

    @property
    def annotations(self) -> list[str]:
        """What the CI takes as annotations."""
        stopped, found = "", []
        for line in self.lines:
            if line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::")
            elif stopped and line == f"::{stopped}::":
                stopped = ""
            elif not stopped and line.startswith("::error"):
                found.append(line)
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_conformant_image_is_green(bench: Bench) -> None:
    bench.prepare()
    assert bench.run() == 0
    assert bench.annotations == []
    assert "conformant" in bench.summary.read_text()
    assert "result=conformant\nexit-code=0\n" in bench.outputs.read_text()


def test_a_broken_guarantee_is_told_once_and_what_workers_print_is_no_command(
    bench: Bench,
) -> None:
    bench.prepare(made.bad, 1)
    assert bench.run() == 1
    assert len([one for one in bench.annotations if "S1 is broken" in one]) == 1
    assert not [one for one in bench.annotations if "a worker has printed this" in one]
    assert (bench.root / "reports" / "junit.xml").is_file()


def untested(bench: Bench) -> None:
    bench.change(tests=(), result=Result.INVALID, exit_code=6)


def skipped(bench: Bench) -> None:
    report = decode((bench.prepared / "report.json").read_bytes())
    tests = tuple(outcome(one, "skipped") for one in report.tests)
    bench.change(tests=tests, result=Result.INVALID, exit_code=6)


def missed(bench: Bench) -> None:
    """A fault that never landed."""
    report = decode((bench.prepared / "report.json").read_bytes())
    tests = tuple(outcome(one, "errored") for one in report.tests)
    bench.change(tests=tests, result=Result.UNPROVED, exit_code=6)


def outcome(test: model.Case, word: Any) -> model.Case:
    return msgspec.structs.replace(test, outcome=word, reason="the fault was not seen to land")


def down(bench: Bench) -> None:
    """There was no cluster, so there is no report."""
    shutil.rmtree(bench.prepared)


def other_digest(bench: Bench) -> None:
    report = decode((bench.prepared / "report.json").read_bytes())
    image = msgspec.structs.replace(report.implementation.image, digest="sha256:" + "b" * 64)
    bench.change(
        implementation=msgspec.structs.replace(report.implementation, image=image), exit_code=0
    )


def tampered(bench: Bench) -> None:
    bench.wrong = ["a history was changed"]


def torn(bench: Bench) -> None:
    (bench.prepared / "report.json").write_text('{"apiVersion": ')


def of_another_run(bench: Bench) -> None:
    bench.change(exit_code=6, result=Result.UNPROVED)


@pytest.mark.parametrize("code", [0, 6])
@pytest.mark.parametrize(
    "spoil", [untested, skipped, missed, down, other_digest, tampered, torn, of_another_run]
)
def test_what_proves_nothing_is_not_green(
    bench: Bench, spoil: Callable[[Bench], None], code: int
) -> None:
    """Neither when `check` says so, nor when it should say that all is well."""
    bench.prepare()
    spoil(bench)
    bench.ends_with(code)
    assert bench.run() == 6
    assert len(bench.annotations) == 1
    assert "Not green (exit code 6)" in bench.summary.read_text()
    assert bench.run() == 6
    assert bench.calls == 2, "what proves nothing is asked anew"


@pytest.mark.parametrize("spoil", [down, of_another_run, lambda _: None])
def test_nobody_is_accused_without_a_report_that_does(
    bench: Bench, spoil: Callable[[Bench], None]
) -> None:
    """`check` says that a guarantee is broken, and no report, or another one, bears it out."""
    bench.prepare()
    spoil(bench)
    bench.ends_with(1)
    assert bench.run() == 6


def test_an_image_of_another_digest_is_not_even_tested(bench: Bench) -> None:
    bench.prepare()
    assert bench.run(Asked(DIGEST, (), wanted="sha256:other")) == 6
    assert bench.calls == 0
    assert "and not sha256:other" in bench.annotations[0]


@pytest.mark.parametrize("code", [2, 3, 4])
def test_other_ends_stay_what_they_are(bench: Bench, code: int) -> None:
    bench.ends_with(code)
    assert bench.run() == code


@pytest.mark.parametrize(("make", "code"), [(made.good, 0), (made.bad, 1)])
def test_the_same_is_not_run_twice(bench: Bench, make: Callable[..., Report], code: int) -> None:
    bench.prepare(make, code)
    assert bench.run() == code
    bench.ends_with(3)
    assert bench.run() == code
    assert bench.calls == 1
    assert any("verified again" in line for line in bench.lines)


def test_whatever_differs_is_run(bench: Bench, tmp_path: Path) -> None:
    bench.prepare()
    job = tmp_path / "job.yaml"
    job.write_text("kind: Job")
    for n, asked in enumerate(
        (ASKED, Asked(DIGEST, (*ASKED.options, "--queue=q")), Asked(DIGEST, ASKED.options, (job,))),
        start=1,
    ):
        assert bench.run(asked) == 0
        assert bench.run(asked) == 0
        assert bench.calls == n
    job.write_text("kind: Job # changed")
    bench.run(Asked(DIGEST, ASKED.options, (job,)))
    bench.run(lock_digest="sha256:other")
    assert bench.calls == 5


def test_an_earlier_report_that_does_not_verify_is_no_answer(bench: Bench) -> None:
    bench.prepare()
    assert bench.run() == 0
    bench.wrong = ["a verdict was edited"]
    bench.ends_with(6)
    assert bench.run() == 6
    assert bench.calls == 2


def test_a_changed_checkout_relies_on_no_earlier_report(bench: Bench) -> None:
    bench.prepare()
    assert bench.run(dirty=True) == 0
    assert bench.run(dirty=True) == 0
    assert bench.calls == 2


def test_the_baseline_tells_what_became_worse(bench: Bench, tmp_path: Path) -> None:
    before = tmp_path / "before"
    formats.write(made.good(before), before)
    bench.prepare(made.bad, 1)
    assert bench.run(baseline=before / "report.json") == 1
    told = bench.summary.read_text()
    assert "the result was conformant, and is nonconformant" in told
    assert "S1 in fault-free was pass, and is fail" in told
    assert bench.run(baseline=tmp_path / "none.json") == 1
    assert "nothing can be compared" in bench.summary.read_text()


def test_nothing_is_worse_than_itself(tmp_path: Path) -> None:
    good, bad = made.good(tmp_path / "good"), made.bad(tmp_path / "bad")
    assert list(regressions(good, good)) == list(regressions(bad, bad)) == []
    assert list(regressions(bad, good)) == []


def test_a_summary_is_never_too_long(bench: Bench) -> None:
    bench.summary.write_text("x" * (SUMMARY_LIMIT - 100))
    bench.prepare()
    assert bench.run() == 0
    assert bench.summary.stat().st_size <= SUMMARY_LIMIT
    assert "cut short" in bench.summary.read_text()
    assert shortened("a\nb\n" * 100, 200).startswith(b"a\nb\n")
    assert shortened("long", -5) == b""


def test_the_command_asks_for_what_its_options_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that options name count by their content; an image that is not here is no digest."""
    asked: list[tuple[Asked, Path | None]] = []

    def remember(_: Gate, one: Asked, baseline: Path | None) -> int:
        asked.append((one, baseline))
        return 6

    monkeypatch.setattr(Gate, "run", remember)
    monkeypatch.setattr(command, "_digest", lambda _: "")
    job = tmp_path / "job.yaml"
    job.touch()
    words = ["gate", "--image=i", "--pattern=fine", f"--job={job}", "--digest=d"]
    assert main([*words, "--", "--keep", "always"]) == 6
    options = ("--profile=core", "--image=i", "--pattern=fine", f"--job={job}")
    assert asked == [(Asked("", (*options, "--keep", "always"), (job,), "d"), None)]
    assert main([*words, "--", "--out=x"]) == 4


def script(tmp_path: Path, **variables: str) -> list[str]:
    """What ci/gate.sh calls `queuejob` with, word by word."""
    stub = tmp_path / "queuejob"
    stub.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\nexit 6\n')
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **variables}
    done = commands.run([ROOT / "ci" / "gate.sh"], timeout=30, check=False, env=env)
    assert done.code == 6, done.stderr
    return done.stdout.splitlines()


def test_the_script_hands_on_what_is_set_and_its_exit_code(tmp_path: Path) -> None:
    """Words stay whole, and nothing in them is run or looked for among files."""
    least = {"QUEUEJOB_IMAGE": "my image; touch x", "QUEUEJOB_PATTERN": "fine"}
    begin = ["gate", "--image", "my image; touch x", "--pattern", "fine"]
    assert script(tmp_path, **least) == [*begin, "--"]
    most = {
        "QUEUEJOB_JOB": "my job.yaml",
        "QUEUEJOB_PROFILE": "core",
        "QUEUEJOB_REPORTS": "r",
        "QUEUEJOB_DIGEST": DIGEST,
        "QUEUEJOB_BASELINE": "$(touch y)",
        "QUEUEJOB_CHECK_OPTIONS": "--keep always  --env=*",
    }
    words = ["--job", "my job.yaml", "--profile", "core", "--reports", "r", "--digest", DIGEST]
    rest = ["--baseline", "$(touch y)", "--", "--keep", "always", "--env=*"]
    assert script(tmp_path, **least, **most) == [*begin, *words, *rest]


def test_the_script_says_what_is_missing(tmp_path: Path) -> None:
    done = commands.run([ROOT / "ci" / "gate.sh"], timeout=30, check=False, cwd=tmp_path)
    assert done.code != 0
    assert "QUEUEJOB_IMAGE: the image to be tested" in done.stderr


def test_the_action_is_one_that_github_takes() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["name"]
    assert action["description"]
    assert action["runs"]["using"] == "composite"
    for name, given in action["inputs"].items():
        assert set(given) <= {"description", "required", "default"}, name
        assert given["description"]
        assert given.get("required") or isinstance(given["default"], str), name
    steps = action["runs"]["steps"]
    for step in steps:
        assert ("run" in step) is not ("uses" in step)
        assert "uses" in step or step["shell"] == "bash"
        # What a user sets is a variable: in a script it would be run.
        assert "${{" not in step.get("run", "")
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(action["inputs"])
    gate = next(step for step in steps if step.get("id") == "gate")
    for value in (one["value"] for one in action["outputs"].values()):
        assert value.startswith("${{ steps.gate.outputs.")
    assert gate["run"] == '"$ACTION/ci/gate.sh"'
    keeping = [one for one in steps if one.get("uses", "").startswith("actions/upload-artifact")]
    assert [one["if"] for one in keeping] == ["always()"]


def test_both_forges_set_only_what_the_script_reads() -> None:
    read = set(re.findall(r"QUEUEJOB_\w+", (ROOT / "ci" / "gate.sh").read_text()))
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    gate = next(step for step in action["runs"]["steps"] if step.get("id") == "gate")
    assert set(gate["env"]) - {"ACTION"} == read
    job = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())[".queuejob-gate"]
    assert job["script"] == ['"$QUEUEJOB_HARNESS/ci/gate.sh"']
    assert job["artifacts"]["when"] == "always"
    assert set(job["variables"]) - {"QUEUEJOB_HARNESS"} <= read
