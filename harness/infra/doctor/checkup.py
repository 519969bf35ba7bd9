"""Looks at all needs, gets what is missing, and shows what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.core.errors import InfrastructureError
from harness.core.progress import Progress
from harness.infra.doctor.manual_fix import not_fixable
from harness.infra.doctor.requirement import CheckResult, Requirement


@runtime_checkable
class Resting(Protocol):
    """A need that says nothing useful while those that it rests on (by name) are missing."""

    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One need and what was found; `finding` is None when it could not be looked at."""

    name: str
    why: str
    finding: CheckResult | None
    blocked_by: str = ""

    @property
    def present(self) -> bool:
        return self.finding is not None and self.finding.present


def examine(needs: Sequence[Requirement]) -> tuple[Row, ...]:
    """Look at each need, in order; one that rests on a missing one is not looked at."""
    rows: list[Row] = []
    for need in needs:
        rests_on = need.depends_on if isinstance(need, Resting) else ()
        gone = next((row.name for row in rows if row.name in rests_on and not row.present), "")
        rows.append(Row(need.name, need.why, None if gone else _look(need), gone))
    return tuple(rows)


def ensure(needs: Sequence[Requirement], progress: Progress) -> None:
    """Get each missing need, in order. Raises `InfrastructureError` for the first that stays so."""
    for need in needs:
        if _look(need).present:
            continue
        with progress.step(f"getting what is missing: {need.name}") as tell:
            need.fix(tell)
            finding = _look(need)
            if not finding.present:
                raise not_fixable(need.name, need.why, finding)


def table(rows: Sequence[Row]) -> str:
    """A line per need: there or not, why it matters, what was seen, how to get it."""
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(f"{_mark(row):<10} {row.name:<{width}}  {_told(row)}" for row in rows)


def _look(need: Requirement) -> CheckResult:
    try:
        return need.check()
    except InfrastructureError as error:
        return CheckResult(False, error.seen or error.what, error.todo)


def _mark(row: Row) -> str:
    if row.finding is None:
        return "unknown"
    return "present" if row.present else "MISSING"


def _told(row: Row) -> str:
    if row.finding is None:
        return f"{row.why}. Not looked at: it rests on {row.blocked_by}, which is missing"
    todo = f". To do: {row.finding.todo}" if row.finding.todo else ""
    return " ".join(f"{row.why}. Seen: {row.finding.seen}{todo}".split())
