"""How a need that cannot be had by itself is told."""

from __future__ import annotations

from abc import ABC, abstractmethod

from harness.core.errors import InfrastructureError
from harness.core.progress import Tell
from harness.infra.doctor.requirement import Finding


def cannot(name: str, why: str, finding: Finding) -> InfrastructureError:
    """The error for a need that is missing and that we may not, or cannot, get."""
    return InfrastructureError(
        f"this machine is not ready: {name}",
        expected=f"{name}, because {why}",
        seen=finding.seen,
        todo=finding.todo,
    )


class ByHand(ABC):
    """A need that only a person can get: its `fix` says how, and fails."""

    name: str
    why: str

    @abstractmethod
    def check(self) -> Finding: ...

    def fix(self, tell: Tell) -> None:
        finding = self.check()
        tell(finding.todo)
        raise cannot(self.name, self.why, finding)
