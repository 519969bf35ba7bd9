"""How a need that cannot be had by itself is told."""

from __future__ import annotations

from abc import ABC, abstractmethod

from harness.core.errors import InfrastructureError
from harness.core.progress import Notify
from harness.infra.doctor.requirement import CheckResult


def not_fixable(name: str, why: str, finding: CheckResult) -> InfrastructureError:
    """The error for a need that is missing and that we may not, or cannot, get."""
    return InfrastructureError(
        f"this machine is not ready: {name}",
        expected=f"{name}, because {why}",
        seen=finding.seen,
        todo=finding.todo,
    )


class ManualFix(ABC):
    """A need that only a person can get: its `fix` says how, and fails."""

    name: str
    why: str

    @abstractmethod
    def check(self) -> CheckResult: ...

    def fix(self, tell: Notify) -> None:
        finding = self.check()
        tell(finding.todo)
        raise not_fixable(self.name, self.why, finding)
