"""The checkup: in order, fix what is missing, look again, and notify it in lines."""

from __future__ import annotations

import io

import pytest

from harness.core.errors import InfrastructureError
from harness.core.progress import Notify, Progress
from harness.infra.doctor import checkup
from harness.infra.doctor.requirement import CheckResult


class Thing:
    """A need that is there, or can be got, or cannot."""

    why = "a test needs it"

    def __init__(self, name: str, state: str = "there", depends_on: tuple[str, ...] = ()) -> None:
        self.name, self.state, self.depends_on = name, state, depends_on
        self.calls: list[str] = []

    def check(self) -> CheckResult:
        self.calls.append("check")
        if self.state == "unreachable":
            raise InfrastructureError("could not ask", seen="no answer", todo="try again")
        there = self.state == "there"
        return CheckResult(
            there, "version 1" if there else "nothing\nat all", "" if there else "buy"
        )

    def fix(self, notify: Notify) -> None:
        self.calls.append("fix")
        notify("buying")
        if self.state == "refused":
            raise InfrastructureError("no money")
        if self.state == "missing":
            self.state = "there"


def test_examine_and_table() -> None:
    """A line per need; what rests on a missing one is not looked at, however far down."""
    last = Thing("cloth", depends_on=("leg",))
    needs = [
        Thing("floor"),
        Thing("table", "missing"),
        Thing("leg", depends_on=("table",)),
        last,
        Thing("phone", "unreachable", depends_on=("floor",)),
    ]
    rows = checkup.examine(needs)
    assert [row.present for row in rows] == [True, False, False, False, False]
    assert last.calls == []
    assert checkup.table(rows).splitlines() == [
        "present    floor  a test needs it. Seen: version 1",
        "MISSING    table  a test needs it. Seen: nothing at all. To do: buy",
        "unknown    leg    a test needs it. Not looked at: it rests on table, which is missing",
        "unknown    cloth  a test needs it. Not looked at: it rests on leg, which is missing",
        "MISSING    phone  a test needs it. Seen: no answer. To do: try again",
    ]
    assert checkup.table(()) == ""


def test_ensure_gets_what_is_missing_and_only_that() -> None:
    """The second time there is nothing to do, and nothing to notify."""
    needs = [Thing("floor"), Thing("table", "missing")]
    stream = io.StringIO()
    checkup.ensure(needs, Progress(stream))
    assert [need.calls for need in needs] == [["check"], ["check", "fix", "check"]]
    assert "queuejob: getting what is missing: table" in stream.getvalue()
    stream = io.StringIO()
    checkup.ensure(needs, Progress(stream))
    assert needs[1].calls == ["check", "fix", "check", "check"]
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("state", "message"), [("refused", "no money"), ("stubborn", "not ready: table")]
)
def test_ensure_stops_at_the_first_that_cannot_be_had(state: str, message: str) -> None:
    """Also when `fix` believes that it worked, and a second look shows that it did not."""
    after = Thing("cloth", "missing")
    with pytest.raises(InfrastructureError, match=message):
        checkup.ensure([Thing("table", state), after], Progress(io.StringIO()))
    assert after.calls == []
