"""Check all requirements, fix the missing ones, and render the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.core.errors import InfrastructureError
from harness.core.progress import Progress
from harness.infra.doctor.manual_fix import not_fixable
from harness.infra.doctor.requirement import CheckResult, Requirement


@runtime_checkable
class Dependent(Protocol):
    """A requirement whose check is meaningless while a requirement in `depends_on` is missing.

    `depends_on` has the names of the other requirements.
    """

    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One requirement and its result; `finding` is None if it could not be checked."""

    name: str
    why: str
    finding: CheckResult | None
    blocked_by: str = ""

    @property
    def present(self) -> bool:
        return self.finding is not None and self.finding.present


def examine(needs: Sequence[Requirement]) -> tuple[Row, ...]:
    """Check each requirement, in order; skip one that depends on a missing requirement."""
    rows: list[Row] = []
    for need in needs:
        names = need.depends_on if isinstance(need, Dependent) else ()
        blocker = next((row.name for row in rows if row.name in names and not row.present), "")
        rows.append(Row(need.name, need.why, None if blocker else _check(need), blocker))
    return tuple(rows)


def ensure(needs: Sequence[Requirement], progress: Progress) -> None:
    """Fix each missing requirement, in order.

    Raises `InfrastructureError` for the first one that is still missing afterwards.
    """
    for need in needs:
        if _check(need).present:
            continue
        with progress.step(f"getting what is missing: {need.name}") as notify:
            need.fix(notify)
            finding = _check(need)
            if not finding.present:
                raise not_fixable(need.name, need.why, finding)


def table(rows: Sequence[Row]) -> str:
    """Render one line per requirement: state, reason, what was seen, and how to fix it."""
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(f"{_state(row):<10} {row.name:<{width}}  {_details(row)}" for row in rows)


def _check(need: Requirement) -> CheckResult:
    try:
        return need.check()
    except InfrastructureError as error:
        return CheckResult(False, error.seen or error.what, error.todo)


def _state(row: Row) -> str:
    if row.finding is None:
        return "unknown"
    return "present" if row.present else "MISSING"


def _details(row: Row) -> str:
    if row.finding is None:
        return f"{row.why}. Not looked at: it rests on {row.blocked_by}, which is missing"
    todo = f". To do: {row.finding.todo}" if row.finding.todo else ""
    return " ".join(f"{row.why}. Seen: {row.finding.seen}{todo}".split())
