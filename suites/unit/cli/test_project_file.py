"""What a project says of its worker is what `check` and `gate` ask for, unless it is overruled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cli.gate import command as gating
from harness.cli.gate.gate import Asked, Gate
from harness.cli.main import main
from harness.engine.worker.options import OPTIONS, REPEATABLE, command

#: All that can be said, and what it is on the command line.
WHOLE = """
[tool.queuejob]
pattern = "fine"
image = "my/worker:1"
job = "deploy/job.yaml"
manifests = "deploy/needs"
container = "main"
queue = "jobs"
queue-env = "QUEUE"
start-pattern = "Begin (?P<item>.+)"
done-pattern = "End (?P<item>.+)"
digest-pattern = "(?P<sha256>.+)"
items = "items.txt"
failing-item = "fail me"
sentinel = "all-sent"
concurrency = 2
seed = "stream"
stream-group = "g"
stream-field = "f"
keeps = ["stats:*", "results"]
max-attempts = 3
patience = 40.5
profile = "extended"
timeout-factor = 1.5
max-duration = 60
env = { HOST = "{host}", TOKEN = "a=b" }
accept-unproved = ["S11", "S3"]
queue-args = { x-queue-type = "quorum", x-max-priority = 10, durable = true }
"""
ARGUMENTS = ('x-queue-type="quorum"', "x-max-priority=10", "durable=true")
WORDS = {
    "pattern": "fine",
    "image": "my/worker:1",
    "job": "../deploy/job.yaml",
    "manifests": "../deploy/needs",
    "container": "main",
    "queue": "jobs",
    "queue-env": "QUEUE",
    "start-pattern": "Begin (?P<item>.+)",
    "done-pattern": "End (?P<item>.+)",
    "digest-pattern": "(?P<sha256>.+)",
    "items": "../items.txt",
    "failing-item": "fail me",
    "sentinel": "all-sent",
    "concurrency": "2",
    "seed": "stream",
    "stream-group": "g",
    "stream-field": "f",
    "keeps": "stats:*,results",
    "max-attempts": "3",
    "patience": "40.5",
    "profile": "extended",
    "timeout-factor": "1.5",
    "max-duration": "60",
    "accept-unproved": "S11,S3",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a project, and we are in it."""
    folder = tmp_path / "src"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pytest was asked for, each time without what it is always told."""
    calls: list[list[str]] = []

    def remember(words: Sequence[str]) -> pytest.ExitCode:
        calls.append([word for word in words if word.startswith("--queuejob-")])
        return pytest.ExitCode.OK

    monkeypatch.setattr(pytest, "main", remember)
    return calls


def flags(**options: str) -> set[str]:
    return {f"--queuejob-{name.replace('_', '-')}={value}" for name, value in options.items()}


def test_all_that_says_something_of_a_worker_can_be_said(
    here: Path, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    file = here.parent / "pyproject.toml"
    file.write_text(WHOLE)
    assert main(["check"]) == 0
    env = {"--queuejob-env=HOST={host}", "--queuejob-env=TOKEN=a=b", "--queuejob-keep=never"}
    env |= {f"--queuejob-queue-args={one}" for one in ARGUMENTS}
    assert {*asked[0]} == flags(**WORDS) | env
    assert len(asked[0]) == len({*asked[0]})
    said = {*WORDS, "env", "queue-args"}
    assert said == {one.name for one in (*OPTIONS, *REPEATABLE) if one.kind is not None}
    told = capsys.readouterr().err
    assert f"from {file}: pattern, image, " in told
    assert "a=b" not in told


def test_the_command_line_wins(here: Path, asked: list[list[str]]) -> None:
    (here.parent / "pyproject.toml").write_text(WHOLE)
    words = ["--image=other", "--profile=core", "--sentinel=", "--env=HOST=h", "--env=MORE=1"]
    assert main(["check", *words, "--accept-unproved=L2"]) == 0
    changed = {**WORDS, "image": "other", "profile": "core", "sentinel": "", "keep": "never"}
    env = {f"--queuejob-env={one}" for one in ("HOST=h", "MORE=1", "TOKEN=a=b")}
    env |= {f"--queuejob-queue-args={one}" for one in ARGUMENTS}
    assert {*asked[0]} == flags(**{**changed, "accept-unproved": "L2"}) | env
    assert len(asked[0]) == len({*asked[0]})


def test_the_nearest_file_that_says_something_is_meant(
    here: Path, asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (here.parent / "pyproject.toml").write_text("[tool.queuejob]\nimage = 'far'")
    (here / "pyproject.toml").write_text("[project]\nname = 'other'")
    assert main(["check"]) == 0
    (here / "pyproject.toml").write_text("[tool.queuejob]\nimage = 'near'\njob = 'job.yaml'")
    assert main(["check", "--pattern=fine"]) == 0
    usual = {"keep": "never", "profile": "core"}
    assert [{*one} for one in asked] == [
        flags(image="far", **usual),
        flags(image="near", job="job.yaml", pattern="fine", **usual),
    ]
    capsys.readouterr()
    assert main(["check", "--isolated", "--image=x"]) == 0
    assert {*asked[2]} == flags(image="x", **usual)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurency = 2", ["no 'concurency'", "did you mean 'concurrency'?", "one of accept-"]),
        ("cluster = 'c'", ["cluster", "one of accept-unproved", "--cluster on the command line"]),
        ("image = 1", ["image", "a string", "1"]),
        ("job = ''", ["job", "a path"]),
        ("concurrency = '2'", ["concurrency", "a whole number", "'2'"]),
        ("concurrency = true", ["concurrency", "a whole number", "True"]),
        ("max-attempts = 2.0", ["max-attempts", "a whole number"]),
        ("timeout-factor = nan", ["timeout-factor", "a number", "nan"]),
        ("items = ['a']", ["items", "a path, from this file's folder, or a whole number"]),
        ("keeps = 'a,b'", ["keeps", "an array of strings", "'a,b'"]),
        ("keeps = ['a,b']", ["keeps", "without commas"]),
        ("accept-unproved = [1]", ["accept-unproved", "an array of strings"]),
        ("profile = 'all'", ["profile", '"core" or "extended"', "'all'"]),
        ("env = ['A=hunter2']", ["env", 'a table of strings, as { NAME = "value" }', "list"]),
        ("env = { A = 1 }", ["env", "a table of strings", "dict"]),
        ("env = { 'A=' = 'hunter2' }", ["env", "a table of strings"]),
        ("image = ", ["cannot be read", "line 2"]),
    ],
)
def test_what_cannot_be_said_is_4_and_nothing_is_run(
    here: Path,
    asked: list[list[str]],
    capsys: pytest.CaptureFixture[str],
    text: str,
    words: list[str],
) -> None:
    file = here / "pyproject.toml"
    file.write_text(f"[tool.queuejob]\n{text}\n")
    assert main(["check", "--image=x", "--pattern=fine"]) == 4
    assert main(["gate", "--image=x", "--pattern=fine"]) == 4
    told = capsys.readouterr().err
    assert asked == []
    for word in [str(file), *words]:
        assert word in told
    assert "hunter2" not in told


def test_a_section_that_is_no_table_is_4(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pyproject.toml").write_text("tool = { queuejob = 3 }")
    assert main(["check", "--image=x"]) == 4
    assert "tool.queuejob is no table" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "gate"])
def test_without_an_image_there_is_nothing_to_test(
    here: Path, asked: list[list[str]], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (here / "pyproject.toml").write_text("tool = 3")
    assert main([command, "--pattern=fine"]) == 4
    assert "--image NAME, or image in [tool.queuejob]" in capsys.readouterr().err
    assert asked == []


def test_no_keys_are_kept_and_nothing_is_accepted(here: Path, asked: list[list[str]]) -> None:
    """An empty array says that there are none, not that nothing is said."""
    (here / "pyproject.toml").write_text("[tool.queuejob]\nkeeps = []\naccept-unproved = []")
    assert main(["check", "--image=x"]) == 0
    assert {*asked[0]} == flags(image="x", keeps="none", keep="never", profile="core")


def test_the_gate_asks_for_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a project says decides which earlier report is of the same; `check` reads it no more."""
    gates: list[Asked] = []

    def remember(_: Gate, one: Asked, __: Path | None) -> int:
        gates.append(one)
        return 6

    monkeypatch.setattr(Gate, "run", remember)
    monkeypatch.setattr(gating, "_digest", lambda image: f"digest of {image}")
    job = here / "job.yaml"
    job.touch()
    section = "[tool.queuejob]\nimage = 'i'\npattern = 'fine'\njob = 'job.yaml'\nconcurrency = {}"
    for number in (2, 3):
        (here / "pyproject.toml").write_text(section.format(number))
        assert main(["gate", "--pattern=coarse", "--", "--concurrency=3"]) == 6
        assert main(["gate", "--profile=extended", "--", "--env", "A=1"]) == 6
    one, two, three, four = gates
    assert one == three
    assert one.digest == "digest of i"
    assert one.files == (Path("job.yaml"),)
    first = {"--image=i", "--job=job.yaml", "--pattern=coarse", "--concurrency=3"}
    assert {*one.options} == first | {"--profile=core"}
    assert two.options[-3:] == ("--profile=extended", "--env", "A=1")
    assert {"--concurrency=2", "--pattern=fine"} <= {*two.options}
    assert "--concurrency=3" in four.options
    assert two.options != four.options
    assert main(["gate", "--image=x", "--", "--isolated"]) == 6
    assert gates[-1].options == ("--profile=core", "--image=x", "--isolated")


@pytest.mark.usefixtures("here")
def test_the_gate_takes_only_what_check_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """And its folder is its own, also where --out is cut short."""
    assert main(["gate", "--image=x", "--", "--ou=x"]) == 4
    assert "the gate chooses --out itself" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--image=x", "--", "--concurency=1"])
    assert ended.value.code == 4
    assert "queuejob check: unrecognized arguments: --concurency=1" in capsys.readouterr().err


def test_the_command_in_a_report_tells_all_that_was_said() -> None:
    said = {**WORDS, "keep": "never"}
    told = command(said.get, lambda name: ["A=1"] if name == "env" else [], redact=False)
    assert "--image my/worker:1 --job ../deploy/job.yaml --manifests ../deploy/needs" in told
    assert (
        "--profile extended --timeout-factor 1.5 --max-duration 60 --keep never --env A=1" in told
    )


def test_a_redacted_command_does_not_name_the_failing_item() -> None:
    said = {"image": "my/worker:1.2", "failing-item": "durian"}
    given = ["FAIL_ITEM=durian", "MODE=fast"]
    told = command(said.get, lambda name: given if name == "env" else [], redact=True)
    assert "durian" not in told
    assert told.endswith("--env FAIL_ITEM=REDACTED --env MODE=fast --redact")
