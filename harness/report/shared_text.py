"""What formats share: text that is fit for them, and the words that they all use."""

from __future__ import annotations

from harness.checks.guarantees import command
from harness.report.model import Case, Found, InvariantRow, Report, StoryLine

#: What XML 1.0 has no place for, beside tab and line ends.
_ODD = {code: f"\\x{code:02x}" for code in range(32) if chr(code) not in "\t\n\r"}
_ODD |= {code: f"\\x{code:02x}" for code in range(127, 160)}
_ODD |= {code: f"\\u{code:04x}" for code in (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)}


def escape(text: str) -> str:
    """The text with everything escaped that acts on a terminal or cannot be in XML."""
    return text.translate(_ODD)


def line(told: StoryLine) -> str:
    """As `12.30 s  worker 1 was given banana`."""
    return f"{told.at:.2f} s  {told.text}"


def lines(row: InvariantRow, found: Found) -> list[str]:
    """A finding, its story, and where to read what it means."""
    return [
        f"{row.id} {found.verdict} ({found.subject}): {found.reason}",
        *(f"    {line(told)}" for told in found.story),
        f"    {command(row.id)}",
    ]


def row_of(report: Report, test: Case) -> InvariantRow | None:
    """What the test's invariant says in its scenario."""
    for row in report.invariants:
        if row.id == test.invariant and row.scenario == test.scenario:
            return row
    return None


def others_of(report: Report, test: Case) -> list[InvariantRow]:
    """What was found broken beside what the scenario is to prove, for the test of just that."""
    if test.outcome != "failed" or row_of(report, test) is not None:
        return []
    return [one for one in report.invariants if one.scenario == test.scenario and not one.required]


def rows_of(report: Report, test: Case) -> list[InvariantRow]:
    """All that a test is about."""
    row = row_of(report, test)
    return others_of(report, test) if row is None else [row]


def reason_text(report: Report, test: Case) -> str:
    """Why a test did not pass: what was found, each with its story, else its own reason."""
    found = [
        text
        for row in rows_of(report, test)
        for one in sorted(row.findings, key=lambda found: found.verdict)
        if one.verdict != "pass"
        for text in lines(row, one)
    ]
    return "\n".join(found) or test.reason
