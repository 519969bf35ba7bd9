"""The time limit of a check, for all processes that share its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

from harness.core.clock import now
from harness.core.errors import InfrastructureError

#: Part of the limit that remains valid once a broken guarantee was found.
_AFTER_VIOLATION = 1 / 3
_BEGAN, _BROKEN = "began", "broken"


class OutOfTime(InfrastructureError):
    """The check has no time left."""


#: Returns the remaining seconds.
Left = Callable[[], float]


def unlimited() -> float:
    """Return infinity: there is no limit."""
    return inf


@dataclass(frozen=True)
class TimeLimit:
    """A limit that counts from the first call on, in whichever process of the check that was."""

    #: Shared by the processes of the check; two files in it hold the state.
    folder: Path
    #: Limit in seconds; a third of it once a guarantee is broken.
    seconds: float

    def left(self) -> float:
        """Return the remaining seconds; negative once the time is over."""
        return self._allowed() - (now().timestamp() - self._began())

    def check(self, name: str) -> None:
        """Raise `OutOfTime` when the time is over, so that no further scenario starts."""
        if self.left() <= 0:
            raise OutOfTime(
                f"{name} was not played: {self.why()}",
                expected="time that is left",
                seen="none",
                todo="give the check more time: --max-duration SECONDS",
            )

    def why(self) -> str:
        """Return the reason why the time is over."""
        if (self.folder / _BROKEN).exists():
            return (
                f"a guarantee was found broken, and a third of --max-duration ({self.seconds:g} s) "
                "is enough for that"
            )
        return f"the time of --max-duration ({self.seconds:g} s) was over"

    def broken(self) -> None:
        """Record that a guarantee is broken; open questions may then stay open."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _BROKEN).touch()

    def _allowed(self) -> float:
        return self.seconds * (_AFTER_VIOLATION if (self.folder / _BROKEN).exists() else 1.0)

    def _began(self) -> float:
        path = self.folder / _BEGAN
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(f"{now().timestamp():.3f}")
        except FileExistsError:
            pass
        text = path.read_text(encoding="utf-8")
        return float(text) if text else now().timestamp()  # empty while another process writes it
