"""What a machine must have before a cluster can run on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.core.progress import Notify


@dataclass(frozen=True)
class CheckResult:
    """What a look at one need showed: there or not, what was seen, and how to get it."""

    present: bool
    seen: str
    todo: str = ""


@runtime_checkable
class Requirement(Protocol):
    """One thing that a machine must have before a cluster can run on it.

    `check` only looks, and takes no longer than a few seconds. `fix` gets it, telling each step,
    and raises `InfrastructureError` (with what to run by hand) when it may not or cannot.
    """

    name: str
    why: str

    def check(self) -> CheckResult: ...

    def fix(self, tell: Notify) -> None: ...
