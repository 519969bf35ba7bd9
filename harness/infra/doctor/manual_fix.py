"""Errors for requirements that cannot be fixed automatically."""

from __future__ import annotations

from abc import ABC, abstractmethod

from harness.core.errors import InfrastructureError
from harness.core.progress import Notify
from harness.infra.doctor.requirement import CheckResult


def not_fixable(name: str, why: str, finding: CheckResult) -> InfrastructureError:
    """Return the error for a missing requirement that the harness may not or cannot fix."""
    return InfrastructureError(
        f"this machine is not ready: {name}",
        expected=f"{name}, because {why}",
        seen=finding.seen,
        todo=finding.todo,
    )


class ManualFix(ABC):
    """A requirement that only a person can fix: its `fix` reports how, and raises."""

    name: str
    why: str

    @abstractmethod
    def check(self) -> CheckResult: ...

    def fix(self, notify: Notify) -> None:
        finding = self.check()
        notify(finding.todo)
        raise not_fixable(self.name, self.why, finding)
