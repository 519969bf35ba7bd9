"""The `queuejob` command: what it refuses, and the exit codes that it ends with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.core import commands
from harness.core.errors import InfrastructureError, UsageError
from harness.core.progress import Notify
from harness.core.registry import Registry
from harness.infra.cluster import PROVIDERS
from harness.infra.doctor.requirement import CheckResult, Requirement
from harness.infra.infrastructure import Infrastructure
from harness.patterns.base import PATTERNS


class Thing:
    """A need that is there, or comes when it is fixed."""

    def __init__(self, name: str, present: bool) -> None:
        self.name, self.why, self.present = name, f"why {name}", present

    def check(self) -> CheckResult:
        return CheckResult(
            self.present, f"saw {self.name}", "" if self.present else f"get {self.name}"
        )

    def fix(self, notify: Notify) -> None:
        notify(f"getting {self.name}")
        self.present = True


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUEUEJOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "cache"))


def machine(monkeypatch: pytest.MonkeyPatch, *needs: Requirement) -> None:
    monkeypatch.setattr(Infrastructure, "requirements", lambda _: list(needs))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["docter"], "invalid choice: 'docter'"),
        (["doctor", "--fixx"], "unrecognized arguments: --fixx"),
        (["images", "save"], "the following arguments are required: file"),
    ],
)
def test_a_bad_command_line_is_4(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 4
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doctor", "--images", "registri"], "--queuejob-images does not know 'registri'"),
        (["images", "load", "no-such.tar"], "--queuejob-archive names no file"),
        (["images", "list", "--images", "archive"], "the image source `archive` needs a file"),
        (["images", "build", "--images", "packages", "reddis"], "no image recipe 'reddis'"),
        (["cluster", "delete", "Not_A_Name"], "'Not_A_Name' cannot be the name of a cluster"),
    ],
)
def test_what_does_not_exist_is_4(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 4
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_archive_is_4(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("hello")
    assert main(["images", "load", str(tmp_path / "x.tar")]) == 4
    assert "is not an archive of this tool" in capsys.readouterr().err


def test_doctor_tells_and_is_6_while_something_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, Thing("docker", True), Thing("kind", False))
    assert main(["doctor"]) == 6
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "present docker why docker. Seen: saw docker",
        "MISSING kind why kind. Seen: saw kind. To do: get kind",
    ]


def test_doctor_fix_gets_what_is_missing_and_is_0(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, Thing("docker", True), Thing("kind", False))
    assert main(["doctor", "--fix"]) == 0
    said = capsys.readouterr()
    assert "getting what is missing: kind" in said.err
    assert "MISSING" not in said.out
    assert main(["doctor"]) == 0


def test_what_cannot_be_got_is_6(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never(Thing):
        def fix(self, notify: Notify) -> None:
            raise InfrastructureError("no kind for this machine", todo="buy another")

    machine(monkeypatch, Never("kind", False))
    assert main(["doctor", "--fix"]) == 6
    assert "to do: buy another" in capsys.readouterr().err


def test_an_interrupt_is_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Thing):
        def fix(self, notify: Notify) -> None:
            raise KeyboardInterrupt

    machine(monkeypatch, Interrupted("kind", False))
    assert main(["doctor", "--fix"]) == 2
    assert capsys.readouterr().err.endswith("queuejob: interrupted\n")


@pytest.mark.parametrize(
    ("known", "name", "close"),
    [(PROVIDERS, "kindd", "'kind'"), (PATTERNS, "coarze", "'coarse'")],
)
def test_an_unknown_name_is_told_with_the_nearest_known(
    known: Registry[Any], name: str, close: str
) -> None:
    with pytest.raises(UsageError, match=f"did you mean {close}"):
        known.get(name)


def test_every_provider_and_pattern_can_be_looked_up() -> None:
    assert PROVIDERS.names() == ["kind"]
    assert PATTERNS.names() == ["coarse", "fine"]
    for pattern in PATTERNS.all().values():
        assert pattern.recipe


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_quick_answer_imports_no_client(option: str) -> None:
    """Nor pytest: who asks for the version does not wait for what a check needs."""
    code = (
        "import sys\n"
        "from harness.cli.main import main\n"
        "try:\n"
        f"    main(['{option}'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'kubernetes', 'redis', 'pika', 'pytest', 'rich', 'jinja2'} & {*sys.modules}\n"
        "print(f'imported: {sorted(heavy)}')\n"
    )
    done = commands.run([sys.executable, "-c", code], timeout=60)
    assert done.stdout.endswith("imported: []\n")
