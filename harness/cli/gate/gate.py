"""`queuejob gate`: a CI step that is green only if an image conforms."""

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

#: Lists disagreements between a report and the files next to it; empty if there are none.
Verify = Callable[[Path], Sequence[str]]
#: Seconds for a complete profile; a CI's own limit is mostly shorter.
_LONGEST = 6 * 3600.0
#: Results about the image itself: they stay true, so the gate reuses them.
_LASTING = {Result.CONFORMANT: EXIT_OK, Result.NONCONFORMANT: EXIT_VIOLATED}
#: Most disagreements or changes that are listed.
_MOST_LISTED = 20
_REPORT = "report.json"


@dataclass(frozen=True)
class Asked:
    """A request to test an image: `options` are those of `queuejob check`."""

    #: The digest of the local image with the requested name.
    digest: str
    options: tuple[str, ...]
    #: Files that the options name: the key depends on their content, not on their path.
    files: tuple[Path, ...] = ()
    #: The required digest; empty: any.
    wanted: str = ""

    def key(self, harness: Harness) -> str:
        """Return a key that is the same for the same image, suite, options and versions."""
        parts = [self.digest, harness.version, harness.commit, harness.lock_digest, *self.options]
        parts += [_digest(file) for file in self.files]
        return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True)
class Answer:
    """The exit code of the gate, and the reason."""

    code: int
    why: str
    report: Report | None = None


@dataclass(frozen=True)
class Gate:
    """Runs `check`, or reuses an equal earlier run, and trusts only reports that verify."""

    reports: Path
    harness: Harness
    verify: Verify
    forge: CiStep
    #: The command that runs `check`.
    command: tuple[str, ...]

    def run(self, asked: Asked, baseline: Path | None = None) -> int:
        """Run the gate, and report the answer to the CI. Returns the exit code."""
        if asked.wanted and asked.wanted != asked.digest:
            reason = f"the image is {asked.digest or 'not here'}, and not {asked.wanted}"
            return self._report_answer(Answer(EXIT_NOT_PROVED, reason), None, ())
        folder = self.reports / asked.key(self.harness)
        answer = self._earlier_answer(asked, folder) or self._run_check(asked, folder)
        return self._report_answer(answer, folder, self._compare(answer, baseline))

    def _earlier_answer(self, asked: Asked, folder: Path) -> Answer | None:
        """Return the answer of an earlier run; None if there is none that can be trusted."""
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

    def _run_check(self, asked: Asked, folder: Path) -> Answer:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        arguments = [*self.command, "check", "--isolated", f"--out={folder}", *asked.options]
        code = EXIT_NOT_PROVED
        try:
            with self.forge.quoting():
                code = commands.run(
                    arguments,
                    timeout=_LONGEST,
                    what="queuejob check",
                    check=False,
                    on_line=self.forge.write,
                ).code
            report = _read(folder)
            doubts = self._doubts(asked, folder, report, code)
        except QueuejobError as error:
            # Without a report an exit code of 0 or 1 proves nothing.
            unsupported = code in _LASTING.values()
            return Answer(EXIT_NOT_PROVED if unsupported else code, str(error))
        if not doubts:
            return Answer(code, f"`queuejob check` has ended with {code}", report)
        return Answer(EXIT_NOT_PROVED, "\n".join(doubts[:_MOST_LISTED]), report)

    def _doubts(self, asked: Asked, folder: Path, report: Report, code: int) -> list[str]:
        """List the reasons not to trust the report, or why it is not the requested one."""
        doubts = [
            f"the report does not agree: {disagreement}"
            for disagreement in self.verify(folder / _REPORT)
        ]
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

    def _compare(self, found: Answer, baseline: Path | None) -> list[str]:
        """List what became worse since the baseline, or why that is unknown."""
        if baseline is None or found.report is None:
            return []
        try:
            before = decode(_bytes(baseline), str(baseline))
            if disagreements := self.verify(baseline):
                return [f"the baseline does not agree with what lies beside it: {disagreements[0]}"]
        except QueuejobError as error:
            return [f"nothing can be compared: {error.what}"]
        return list(regressions(before, found.report)) or ["nothing has become worse"]

    def _report_answer(self, found: Answer, folder: Path | None, changes: Sequence[str]) -> int:
        forge, report = self.forge, found.report
        green = found.code == EXIT_OK
        sentence = found.why if report is None else f"{report.headline} ({found.why})"
        lines = [f"since the baseline: {change}" for change in changes[:_MOST_LISTED]]
        if len(changes) > _MOST_LISTED:
            lines.append(f"since the baseline: and {len(changes) - _MOST_LISTED} more")
        word = "green" if green else "NOT GREEN"
        forge.write_text("\n".join([f"queuejob gate: {word}: {sentence}", *lines]))
        annotations = _text(folder, "annotations.txt") if report is not None else ""
        if annotations and report is not None and report.exit_code == found.code:
            forge.annotate(annotations)
        elif not green:
            forge.error(sentence)
        note = "" if green else f"**Not green (exit code {found.code}).** {text(found.why)}\n\n"
        note += "".join(f"- {text(line)}\n" for line in lines) + "\n"
        forge.summarise(note + (_text(folder, "summary.md") if report is not None else ""))
        self._save_junit(folder, report)
        forge.output(
            result=Result.INVALID.value if report is None else report.result.value,
            exit_code=str(found.code),
            report="" if report is None else str(folder),
        )
        return found.code

    def _save_junit(self, folder: Path | None, report: Report | None) -> None:
        """Save the last junit.xml in a fixed place, independent of other runs' reports."""
        junit = _text(folder, "junit.xml") if report is not None else ""
        path = self.reports / "junit.xml"
        path.unlink(missing_ok=True)
        if junit:
            path.write_text(junit, encoding="utf-8")


def command() -> tuple[str, ...]:
    """Return the command for `queuejob`: from the PATH, or else from this installation."""
    executable = shutil.which("queuejob")
    return (executable,) if executable else (sys.executable, "-m", "harness.cli.main")


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
