"""`summary.md`: the report for the step summary of a CI, which holds at most one mebibyte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.checks.guarantees import command
from harness.report.formats import Format
from harness.report.model import Case, InvariantRow, Report
from harness.report.shared_text import escape, line

#: Bytes; leaves room for other steps that write into the same summary.
LIMIT = 1024 * 1024 - 64 * 1024
_CUT = b"\n\n*This is cut short: the whole is in report.json.*\n"
_VERDICT_LABELS = {"pass": "✅ pass", "fail": "❌ fail", "unknown": "❔ unknown"}
#: Escapes for characters that have a meaning in Markdown.
_MARKDOWN_ESCAPES = str.maketrans({one: f"\\{one}" for one in "\\`*_[]#|~!"})
_HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """Write the result first, then the table, then each finding with its story."""
    return {"summary.md": _fitted(block.encode() + b"\n\n" for block in _blocks(report))}


def text(words: str) -> str:
    """Turn text from outside into plain Markdown text on one line, without any markup."""
    flat = " ".join(escape(words).split())
    return flat.translate(_MARKDOWN_ESCAPES).translate(_HTML_ESCAPES)


def _fitted(blocks: Iterable[bytes]) -> bytes:
    """Join as many complete blocks as fit."""
    parts, room = [], LIMIT - len(_CUT)
    for block in blocks:
        room -= len(block)
        if room < 0:
            parts.append(_CUT)
            break
        parts.append(block)
    return b"".join(parts)


def _blocks(report: Report) -> Iterator[str]:
    image = report.implementation.image
    yield f"## {text(report.headline)}"
    digest = f" ({text(image.digest)})" if image.digest else ""
    profiles = ", ".join(text(profile.name) for profile in report.profiles)
    yield f"{text(image.ref)}{digest}, {profiles}: **{report.result.value}**"
    yield "\n".join(_table(report))
    for row in report.invariants:
        if row.verdict == "fail":
            yield _broken(row)
    yield from _unproved(report)
    yield f"To do it again: {_code(report.reproduce.command)}"


def _table(report: Report) -> Iterator[str]:
    yield "| invariant | verdict | scenarios |"
    yield "| --- | --- | --- |"
    for name, verdict in report.summary.items():
        rows = [row for row in report.invariants if row.id == name]
        where = ", ".join(text(row.scenario) for row in rows if row.verdict == verdict)
        yield f"| {text(name)} | {_VERDICT_LABELS[verdict]} | {where} |"


def _broken(row: InvariantRow) -> str:
    heading = f"### {text(row.id)} is broken in {text(row.scenario)} ({row.subject})"
    story = [f"- {text(line(story_line))}" for story_line in row.story]
    hint = f"`{command(row.id)}` says what it means."
    return "\n".join([heading, "", text(row.reason), "", *story, "", hint])


def _unproved(report: Report) -> Iterator[str]:
    tests = [case for case in report.tests if case.outcome not in ("passed", "failed")]
    if tests:
        yield "### Not proved"
    # Most tests of a scenario share their reason.
    reasons: dict[tuple[str, str], list[str]] = {}
    for test in tests:
        reason = _reason(report, test)
        reasons.setdefault((test.outcome, reason), []).append(test.id)
    for (outcome, reason), ids in reasons.items():
        yield f"- {text(', '.join(ids))}: {text(outcome)}. {text(reason)}"


def _reason(report: Report, test: Case) -> str:
    unknown = [
        finding.reason
        for row in report.invariants
        if row.id == test.invariant and row.scenario == test.scenario
        for finding in row.findings
        if finding.verdict == "unknown"
    ]
    return "; ".join(unknown) or test.reason


def _code(words: str) -> str:
    """Format a command that can be copied; the fence is longer than any in the command."""
    flat = " ".join(escape(words).split())
    fence = "`"
    while fence in flat:
        fence += "`"
    return f"{fence} {flat} {fence}"


FORMAT = Format(("summary.md",), render)
