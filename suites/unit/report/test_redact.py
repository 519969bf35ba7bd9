"""A redacted history tells nothing of its items, and is judged as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.judge import judge
from harness.history import LogLine, payload, read
from harness.report.redact import redact
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine
from harness.suites.unit.dsl.reports import bad_tale, save

ITEMS = (b"banana", b"two words", b"line\nline", b"\xff\x00", b"", b"x" * 70_000)


@pytest.mark.parametrize("data", ITEMS, ids=range(len(ITEMS)))
def test_the_verdicts_stay(tmp_path: Path, data: bytes) -> None:
    same(bad_tale(payload(data)), tmp_path / "history")


@pytest.mark.parametrize("make", [good_fine, good_coarse])
def test_good_ones_stay_good(tmp_path: Path, make: type[Tale]) -> None:
    same(make(), tmp_path / "history")


def same(tale: Tale, path: Path) -> None:
    before = judge(tale.header, tale.events)
    save(tale, path)
    redact(path)
    with path.open("rb") as file:
        after = judge(*read(file))
    assert {n: v.outcome for n, v in after.verdicts.items()} == {
        n: v.outcome for n, v in before.verdicts.items()
    }


def test_nothing_of_an_item_is_left(tmp_path: Path) -> None:
    tale, path = bad_tale("banana", failing_item="banana"), tmp_path / "history"
    tale.put(12, "logs", LogLine(tale.worker("a"), "my secret is a banana", 12.0))
    tale.over(13, "nobody has taken banana")
    save(tale, path)
    redact(path)
    data = path.read_bytes()
    assert b"banana" not in data
    assert b"secret" not in data
    assert data.count(b"sha256:") >= 5
