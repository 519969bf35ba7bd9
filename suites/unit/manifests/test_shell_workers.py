"""The shell workers around programs that stand in for their brokers' clients."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from harness.core import commands
from harness.infra.images import mutant
from harness.infra.images.recipe import Catalogue

MANIFESTS = Path(str(files("harness.manifests")))
WORKERS = MANIFESTS / "workers" / "shell"

#: Answers as Redis would that holds `items`; on standard error it says what it was told.
REDIS_CLI = """#!/bin/bash
[[ -e stopped ]] && exit 1
token=${12}
case $5 in
*LLEN*) wc -l <items ;;
*LPOP*)
    if [[ -s items ]]; then
        echo "$token"
        head -n 1 items
        sed -i 1d items
    else
        echo
    fi
    ;;
*"forget(token)"*) echo complete >&2; cat live ;;
*HINCRBY*) echo break off >&2; cat live ;;
*"ZADD', leases, now, token"*) echo give back >&2; cat live ;;
*) echo renew >&2; cat live ;;
esac
"""

#: Gives `message` to its command, and exits as amqp-consume does: with 0, whatever that did.
AMQP_CONSUME = """#!/bin/bash
bash "${@: -1}" <message && echo acknowledged
exit "$(cat code)"
"""


def run(folder: Path, **env: str) -> commands.Completed:
    """Run the worker in `folder`; its standard output and error come as one."""
    return commands.run(
        ["bash", "-c", f"PATH={folder}:$PATH; exec 2>&1; . ./worker.sh"],
        timeout=60,
        check=False,
        cwd=folder,
        # A third of the lease passes until a renewal that is no longer needed ends.
        env={"ITEM_SECONDS": "0", "LEASE_SECONDS": "3", "TMPDIR": f"{folder}", **env},
    )


def program(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def copy(worker: str, folder: Path) -> None:
    for file in (WORKERS / worker).glob("*.sh"):
        program(folder / file.name, file.read_text())


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """A folder with the fine worker and a Redis that holds two items."""
    copy("fine", tmp_path)
    program(tmp_path / "redis-cli", REDIS_CLI)
    (tmp_path / "items").write_text("apple\n-n two  words\n")
    (tmp_path / "live").write_text("1\n")
    return tmp_path


def test_fine_works_on_each_item_and_then_reports_it(fine: Path) -> None:
    ended = run(fine)
    assert ended.code == 0
    assert ended.stdout.splitlines()[1:] == [
        "Working on apple",
        "Done apple",
        "complete",
        "Working on -n two  words",
        "Done -n two  words",
        "complete",
        "Queue empty, exiting",
    ]


def test_fine_takes_an_empty_item_for_an_item(fine: Path) -> None:
    (fine / "items").write_text("\n")
    ended = run(fine)
    assert ended.stdout.splitlines()[1:4] == ["Working on ", "Done ", "complete"]


def test_fine_gives_a_failed_item_back_and_fails(fine: Path) -> None:
    ended = run(fine, FAIL_ITEM="apple")
    assert ended.code == 1
    assert ended.stdout.splitlines()[1:] == [
        "Working on apple",
        "give back",
        "Failed apple: exit code 1",
    ]


def test_fine_says_when_its_report_came_too_late(fine: Path) -> None:
    (fine / "live").write_text("0\n")
    assert "Done apple\ncomplete\nToo late with apple\n" in run(fine).stdout


def test_fine_ends_when_its_lease_is_lost(fine: Path) -> None:
    (fine / "live").write_text("0\n")
    ended = run(fine, LEASE_SECONDS="0.03", ITEM_SECONDS="2")
    assert ended.code == 1
    assert ended.stdout.splitlines()[1:] == ["Working on apple", "renew", "Lost the lease on apple"]


def test_fine_fails_when_redis_does_not_answer(fine: Path) -> None:
    program(fine / "queue.sh", (fine / "queue.sh").read_text().replace("patience=15", "patience=0"))
    (fine / "stopped").touch()
    ended = run(fine)
    assert ended.code == 1
    assert ended.stdout.splitlines()[1:] == ["Redis: no answer"]


@pytest.fixture
def coarse(tmp_path: Path) -> Path:
    """A folder with the coarse worker and a RabbitMQ that has a message for it."""
    copy("coarse", tmp_path)
    program(tmp_path / "amqp-consume", AMQP_CONSUME)
    (tmp_path / "message").write_text("apple")
    (tmp_path / "code").write_text("0")
    return tmp_path


def test_coarse_says_done_and_then_acknowledges(coarse: Path) -> None:
    ended = run(coarse)
    assert ended.code == 0
    assert ended.stdout.splitlines() == ["Processing apple", "Done apple", "acknowledged"]


def test_coarse_shows_a_failure_that_amqp_consume_hides(coarse: Path) -> None:
    ended = run(coarse, FAIL_ITEM="apple")
    assert ended.code == 1
    assert ended.stdout.splitlines() == ["Processing apple", "Failed apple"]


def test_coarse_fails_when_it_cannot_acknowledge(coarse: Path) -> None:
    (coarse / "code").write_text("1")
    assert run(coarse).code == 1


def test_coarse_without_a_look_at_the_sign_hides_a_failure(coarse: Path) -> None:
    """The mutant has the defect that the test above would not see otherwise."""
    one = Catalogue(MANIFESTS / "images").mutants["shell-coarse-crash"]
    for name, text in mutant.changed("shell-coarse-crash", one, WORKERS / "coarse").items():
        program(coarse / name, text)
    assert run(coarse, FAIL_ITEM="apple").code == 0
