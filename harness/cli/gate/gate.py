"""`queuejob gate`: one step of a CI, green when an image conforms and at no other time."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from harness.cli.gate.github import CiStep
from harness.core import commands
from harness.core.errors import (
    EXIT_NOT_PROVED,
    EXIT_OK,
    EXIT_VIOLATED,
    InfrastructureError,
    QueuejobError,
)
from harness.core.text import clean
from harness.report.baseline import regressions
from harness.report.canonical import decode
from harness.report.formats.summary import text
from harness.report.model import Harness, Report, Result

#: What does not agree in a report and what lies beside it; nothing when all does.
Verify = Callable[[Path], Sequence[str]]
#: Seconds for a whole profile; a CI's own limit is mostly shorter.
_LONGEST = 6 * 3600.0
#: Results that say something about the image: they stay true, so they are not found anew.
_LASTING = {Result.CONFORMANT: EXIT_OK, Result.NONCONFORMANT: EXIT_VIOLATED}
#: Disagreements and changes that are told.
_TOLD = 20
_REPORT = "report.json"


@dataclass(frozen=True)
class Asked:
    """What is to be tested, and how: `options` are those of `queuejob check`."""

    #: The digest of the image that is here under the name that is asked for.
    digest: str
    options: tuple[str, ...]
    #: Files that the options name: their content counts, not their place.
    files: tuple[Path, ...] = ()
    #: The digest that it has to be; empty: any.
    wanted: str = ""

    def key(self, harness: Harness) -> str:
        """The same image, suite, options and versions have the same key."""
        parts = [self.digest, harness.version, harness.commit, harness.lock_digest, *self.options]
        parts += [_digest(one) for one in self.files]
        return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True)
class Answer:
    """What the gate ends with, and why."""

    code: int
    why: str
    report: Report | None = None


@dataclass(frozen=True)
class Gate:
    """Runs `check`, unless the very same was asked before, and believes only what verifies."""

    reports: Path
    harness: Harness
    verify: Verify
    forge: CiStep
    #: The command that runs `check`.
    command: tuple[str, ...]

    def run(self, asked: Asked, baseline: Path | None = None) -> int:
        """The exit code; all that is to be told has been told then."""
        if asked.wanted and asked.wanted != asked.digest:
            why = f"the image is {asked.digest or 'not here'}, and not {asked.wanted}"
            return self._tell(Answer(EXIT_NOT_PROVED, why), None, ())
        folder = self.reports / asked.key(self.harness)
        found = self._known(asked, folder) or self._checked(asked, folder)
        return self._tell(found, folder, self._worse(found, baseline))

    def _known(self, asked: Asked, folder: Path) -> Answer | None:
        """The answer of an earlier run; None where there is none that can be relied upon."""
        if self.harness.dirty or not asked.digest or not (folder / _REPORT).is_file():
            return None
        try:
            report = _read(folder)
            code = _LASTING.get(report.result)
            if code is None or self._doubts(asked, folder, report, code):
                return None
        except QueuejobError:
            return None
        return Answer(code, "this image was tested before in the same way; verified again", report)

    def _checked(self, asked: Asked, folder: Path) -> Answer:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        words = [*self.command, "check", "--isolated", f"--out={folder}", *asked.options]
        code = EXIT_NOT_PROVED
        try:
            with self.forge.quoting():
                code = commands.run(
                    words,
                    timeout=_LONGEST,
                    what="queuejob check",
                    check=False,
                    on_line=self.forge.say,
                ).code
            report = _read(folder)
            doubts = self._doubts(asked, folder, report, code)
        except QueuejobError as error:
            # Without a report nothing is proved: not even what an exit code says.
            silent = code in _LASTING.values()
            return Answer(EXIT_NOT_PROVED if silent else code, str(error))
        if not doubts:
            return Answer(code, f"`queuejob check` has ended with {code}", report)
        return Answer(EXIT_NOT_PROVED, "\n".join(doubts[:_TOLD]), report)

    def _doubts(self, asked: Asked, folder: Path, report: Report, code: int) -> list[str]:
        """Why the report is not to be believed, or is not the one that was asked for."""
        doubts = [f"the report does not agree: {one}" for one in self.verify(folder / _REPORT)]
        if report.harness.version != self.harness.version:
            version = clean(report.harness.version)
            doubts.append(f"it is of version {version}, and this is {self.harness.version}")
        digest = report.implementation.image.digest
        if asked.digest and digest != asked.digest:
            doubts.append(f"the report is of the image {clean(digest)}, and not {asked.digest}")
        if report.exit_code != code:
            doubts.append(f"the report is of a run that ended with {report.exit_code}, not {code}")
        lasting = code in _LASTING.values() or report.result in _LASTING
        if lasting and _LASTING.get(report.result) != code:
            doubts.append(f"the report says {report.result.value}, the exit code was {code}")
        return doubts

    def _worse(self, found: Answer, baseline: Path | None) -> list[str]:
        """What has become worse since the baseline, or why that cannot be told."""
        if baseline is None or found.report is None:
            return []
        try:
            before = decode(_bytes(baseline), str(baseline))
            if wrong := self.verify(baseline):
                return [f"the baseline does not agree with what lies beside it: {wrong[0]}"]
        except QueuejobError as error:
            return [f"nothing can be compared: {error.what}"]
        return list(regressions(before, found.report)) or ["nothing has become worse"]

    def _tell(self, found: Answer, folder: Path | None, changes: Sequence[str]) -> int:
        forge, report = self.forge, found.report
        green = found.code == EXIT_OK
        answer = found.why if report is None else f"{report.headline} ({found.why})"
        lines = [f"since the baseline: {one}" for one in changes[:_TOLD]]
        if len(changes) > _TOLD:
            lines.append(f"since the baseline: and {len(changes) - _TOLD} more")
        word = "green" if green else "NOT GREEN"
        forge.plain("\n".join([f"queuejob gate: {word}: {answer}", *lines]))
        told = _text(folder, "annotations.txt") if report is not None else ""
        if told and report is not None and report.exit_code == found.code:
            forge.annotate(told)
        elif not green:
            forge.error(answer)
        note = "" if green else f"**Not green (exit code {found.code}).** {text(found.why)}\n\n"
        note += "".join(f"- {text(line)}\n" for line in lines) + "\n"
        forge.summarise(note + (_text(folder, "summary.md") if report is not None else ""))
        self._leave_junit(folder, report)
        forge.output(
            result=Result.INVALID.value if report is None else report.result.value,
            exit_code=str(found.code),
            report="" if report is None else str(folder),
        )
        return found.code

    def _leave_junit(self, folder: Path | None, report: Report | None) -> None:
        """Where a CI finds the last answer, whatever reports of other runs lie beside it."""
        told = _text(folder, "junit.xml") if report is not None else ""
        last = self.reports / "junit.xml"
        last.unlink(missing_ok=True)
        if told:
            last.write_text(told, encoding="utf-8")


def command() -> tuple[str, ...]:
    """`queuejob` as it is on the PATH, else of this very installation."""
    found = shutil.which("queuejob")
    return (found,) if found else (sys.executable, "-m", "harness.cli.main")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _read(folder: Path) -> Report:
    return decode(_bytes(folder / _REPORT), str(folder / _REPORT))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InfrastructureError(
            f"there is no report {path}", seen=error.strerror or "", todo="see what was told above"
        ) from None


def _text(folder: Path | None, name: str) -> str:
    path = None if folder is None else folder / name
    return path.read_text("utf-8", "replace") if path is not None and path.is_file() else ""
