"""How long a check may go on: one limit for all processes that share its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

from harness.core.clock import now
from harness.core.errors import InfrastructureError

#: What part of it is enough once a broken guarantee was found.
_FOUND = 1 / 3
_BEGAN, _BROKEN = "began", "broken"


class OutOfTime(InfrastructureError):
    """The check has no time left."""


#: Seconds that are left.
Left = Callable[[], float]


def unlimited() -> float:
    """There is no limit."""
    return inf


@dataclass(frozen=True)
class TimeLimit:
    """So many seconds from the first call on, whichever process of the check that was in."""

    folder: Path
    seconds: float

    def left(self) -> float:
        """Seconds until the check has to end; below 0 once it had to."""
        return self._most() - (now().timestamp() - self._began())

    def check(self, name: str) -> None:
        """Raise `OutOfTime` where the time is over, so a scenario cannot be played any more."""
        if self.left() <= 0:
            raise OutOfTime(
                f"{name} was not played: {self.why()}",
                expected="time that is left",
                seen="none",
                todo="give the check more time: --max-duration SECONDS",
            )

    def why(self) -> str:
        """What has ended it."""
        if (self.folder / _BROKEN).exists():
            return (
                f"a guarantee was found broken, and a third of --max-duration ({self.seconds:g} s) "
                "is enough for that"
            )
        return f"the time of --max-duration ({self.seconds:g} s) was over"

    def broken(self) -> None:
        """A guarantee is broken: what is not known yet may stay unknown."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _BROKEN).touch()

    def _most(self) -> float:
        return self.seconds * (_FOUND if (self.folder / _BROKEN).exists() else 1.0)

    def _began(self) -> float:
        path = self.folder / _BEGAN
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(f"{now().timestamp():.3f}")
        except FileExistsError:
            pass
        words = path.read_text(encoding="utf-8")
        return float(words) if words else now().timestamp()  # it is being written
