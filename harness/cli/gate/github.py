"""CI output of a step: annotations, step summary, outputs. Without GitHub, only log lines."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.core.text import clean

#: Bytes of a step summary; GitHub shows nothing of a longer one.
SUMMARY_LIMIT = 1024 * 1024
_CUT = "\n\n*This is cut short: the whole is with the report.*\n"


@dataclass(frozen=True)
class CiStep:
    """The CI step that runs the gate, by its variables; `say` writes a line to its log."""

    variables: Mapping[str, str]
    write: Callable[[str], None]

    @property
    def _github(self) -> bool:
        return self.variables.get("GITHUB_ACTIONS") == "true"

    def quoting(self) -> AbstractContextManager[None]:
        """While the block runs, the CI does not interpret lines as commands."""
        return self._commands_stopped() if self._github else nullcontext()

    @contextmanager
    def _commands_stopped(self) -> Iterator[None]:
        # Text from outside must not be able to guess the word that ends the block.
        token = f"queuejob-{secrets.token_hex(16)}"
        self.write(f"::stop-commands::{token}")
        try:
            yield
        finally:
            self.write(f"::{token}::")

    def write_text(self, text: str) -> None:
        """Print lines that may contain text from outside; none of them acts as a command."""
        with self.quoting():
            for line in text.splitlines():
                self.write(clean(line))

    def annotate(self, lines: str) -> None:
        """Print workflow commands that a report format has written."""
        if self._github:
            for line in lines.splitlines():
                self.write(line)

    def error(self, text: str) -> None:
        """Print one error annotation."""
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        self.annotate(f"::error title=queuejob::{escaped}")

    def summarise(self, text: str) -> None:
        """Add text to the step's summary, as much as fits."""
        name = self.variables.get("GITHUB_STEP_SUMMARY")
        if not name:
            return
        path = Path(name)
        used = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(shortened(text, SUMMARY_LIMIT - used))

    def output(self, **values: str) -> None:
        """Set outputs of the step; `_` becomes `-`."""
        name = self.variables.get("GITHUB_OUTPUT")
        if not name:
            return
        with Path(name).open("a", encoding="utf-8") as file:
            for key, value in values.items():
                file.write(f"{key.replace('_', '-')}={' '.join(value.split())}\n")


def shortened(text: str, room: int) -> bytes:
    """Cut the text to at most `room` bytes: complete lines, and a note about the cut."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= room:
        return data
    kept = data[: max(0, room - len(_CUT))]
    complete = kept[: kept.rfind(b"\n") + 1]
    return (complete + _CUT.encode())[: max(0, room)]
