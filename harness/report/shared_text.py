"""Text that several formats share: escaping, and common phrases."""

from __future__ import annotations

from harness.checks.guarantees import command
from harness.report.model import Case, Found, InvariantRow, Report, StoryLine

#: Characters that XML 1.0 does not allow, and further control characters; not tab and line ends.
_ESCAPES = {code: f"\\x{code:02x}" for code in range(32) if chr(code) not in "\t\n\r"}
_ESCAPES |= {code: f"\\x{code:02x}" for code in range(127, 160)}
_ESCAPES |= {code: f"\\u{code:04x}" for code in (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)}


def escape(text: str) -> str:
    """Escape every character that acts on a terminal or cannot be in XML."""
    return text.translate(_ESCAPES)


def line(told: StoryLine) -> str:
    """Format a story line, as `12.30 s  worker 1 was given banana`."""
    return f"{told.at:.2f} s  {told.text}"


def lines(row: InvariantRow, found: Found) -> list[str]:
    """Format a finding, its story, and the command that explains the invariant."""
    return [
        f"{row.id} {found.verdict} ({found.subject}): {found.reason}",
        *(f"    {line(story_line)}" for story_line in found.story),
        f"    {command(row.id)}",
    ]


def row_of(report: Report, test: Case) -> InvariantRow | None:
    """Return the row of the test's invariant in its scenario."""
    for row in report.invariants:
        if row.id == test.invariant and row.scenario == test.scenario:
            return row
    return None


def others_of(report: Report, test: Case) -> list[InvariantRow]:
    """Return the rows of invariants that the scenario is not asked to prove.

    Only for the failed test `others`, which reports exactly these.
    """
    if test.outcome != "failed" or row_of(report, test) is not None:
        return []
    return [
        other
        for other in report.invariants
        if other.scenario == test.scenario and not other.required
    ]


def rows_of(report: Report, test: Case) -> list[InvariantRow]:
    """Return all rows that a test is about."""
    row = row_of(report, test)
    return others_of(report, test) if row is None else [row]


def reason_text(report: Report, test: Case) -> str:
    """Explain why a test did not pass.

    Gives the findings, each with its story; without findings, the reason of the test.
    """
    found = [
        text
        for row in rows_of(report, test)
        for finding in sorted(row.findings, key=lambda found: found.verdict)
        if finding.verdict != "pass"
        for text in lines(row, finding)
    ]
    return "\n".join(found) or test.reason
