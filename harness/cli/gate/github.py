"""What a CI takes from a step: annotations, a step summary, outputs. Elsewhere only lines."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.core.text import clean

#: Bytes of a step summary; GitHub shows none at all of what is longer.
SUMMARY_LIMIT = 1024 * 1024
_CUT = "\n\n*This is cut short: the whole is with the report.*\n"


@dataclass(frozen=True)
class CiStep:
    """The CI in whose step we run, by its variables; `say` writes a line to the step's log."""

    variables: Mapping[str, str]
    say: Callable[[str], None]

    @property
    def _github(self) -> bool:
        return self.variables.get("GITHUB_ACTIONS") == "true"

    def quoting(self) -> AbstractContextManager[None]:
        """As long as the block lasts, lines of others are no commands to the CI."""
        return self._stopped() if self._github else nullcontext()

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        # Nobody whose lines are shown may guess the word that ends it.
        word = f"queuejob-{secrets.token_hex(16)}"
        self.say(f"::stop-commands::{word}")
        try:
            yield
        finally:
            self.say(f"::{word}::")

    def plain(self, text: str) -> None:
        """Lines of our own, in which others' words may stand: no command whatever they are."""
        with self.quoting():
            for line in text.splitlines():
                self.say(clean(line))

    def annotate(self, lines: str) -> None:
        """Workflow commands, made by a format of the report."""
        if self._github:
            for line in lines.splitlines():
                self.say(line)

    def error(self, text: str) -> None:
        """One annotation of our own."""
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        self.annotate(f"::error title=queuejob::{escaped}")

    def summarise(self, text: str) -> None:
        """Add to the step's summary, as much as there is room for."""
        name = self.variables.get("GITHUB_STEP_SUMMARY")
        if not name:
            return
        path = Path(name)
        used = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(shortened(text, SUMMARY_LIMIT - used))

    def output(self, **values: str) -> None:
        """Outputs of the step; `_` becomes `-`."""
        name = self.variables.get("GITHUB_OUTPUT")
        if not name:
            return
        with Path(name).open("a", encoding="utf-8") as file:
            for key, value in values.items():
                file.write(f"{key.replace('_', '-')}={' '.join(value.split())}\n")


def shortened(text: str, room: int) -> bytes:
    """The text in so many bytes: whole lines, and a word that something is missing."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= room:
        return data
    kept = data[: max(0, room - len(_CUT))]
    whole = kept[: kept.rfind(b"\n") + 1]
    return (whole + _CUT.encode())[: max(0, room)]
