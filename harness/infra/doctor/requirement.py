"""Requirements on a machine before a cluster can run on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.core.progress import Notify


@dataclass(frozen=True)
class CheckResult:
    """Result of one check: present or not, what was seen, and how to fix it."""

    present: bool
    seen: str
    todo: str = ""


@runtime_checkable
class Requirement(Protocol):
    """One thing that a machine must have before a cluster can run on it.

    `check` changes nothing and takes a few seconds at most. `fix` provides the thing and reports
    each step; if it may not or cannot, it raises `InfrastructureError` with what to run by hand.
    """

    name: str
    why: str

    def check(self) -> CheckResult: ...

    def fix(self, notify: Notify) -> None: ...
