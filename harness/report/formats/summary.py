"""`summary.md`: the report for a CI's step summary, which has room for a mebibyte and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.checks.guarantees import command
from harness.report.formats import Format
from harness.report.model import Case, InvariantRow, Report
from harness.report.shared_text import escape, line

#: Bytes, with room for what others write into the same summary.
LIMIT = 1024 * 1024 - 64 * 1024
_CUT = b"\n\n*This is cut short: the whole is in report.json.*\n"
_MARKS = {"pass": "✅ pass", "fail": "❌ fail", "unknown": "❔ unknown"}
#: What means something in Markdown, and is only text here.
_ACTS = str.maketrans({one: f"\\{one}" for one in "\\`*_[]#|~!"})
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"})


def render(report: Report, folder: Path) -> Mapping[str, bytes]:
    """The answer first, then the table, then each finding with its story."""
    return {"summary.md": _fitted(block.encode() + b"\n\n" for block in _blocks(report))}


def text(words: str) -> str:
    """Words of others as plain text in Markdown, on one line: nothing in them acts."""
    flat = " ".join(escape(words).split())
    return flat.translate(_ACTS).translate(_HTML)


def _fitted(blocks: Iterable[bytes]) -> bytes:
    """As many blocks as there is room for: none is cut in its middle."""
    made, room = [], LIMIT - len(_CUT)
    for block in blocks:
        room -= len(block)
        if room < 0:
            made.append(_CUT)
            break
        made.append(block)
    return b"".join(made)


def _blocks(report: Report) -> Iterator[str]:
    image = report.implementation.image
    yield f"## {text(report.headline)}"
    digest = f" ({text(image.digest)})" if image.digest else ""
    profiles = ", ".join(text(one.name) for one in report.profiles)
    yield f"{text(image.ref)}{digest}, {profiles}: **{report.result.value}**"
    yield "\n".join(_table(report))
    for row in report.invariants:
        if row.verdict == "fail":
            yield _found(row)
    yield from _unproved(report)
    yield f"To do it again: {_code(report.reproduce.command)}"


def _table(report: Report) -> Iterator[str]:
    yield "| invariant | verdict | scenarios |"
    yield "| --- | --- | --- |"
    for name, verdict in report.summary.items():
        rows = [one for one in report.invariants if one.id == name]
        where = ", ".join(text(one.scenario) for one in rows if one.verdict == verdict)
        yield f"| {text(name)} | {_MARKS[verdict]} | {where} |"


def _found(row: InvariantRow) -> str:
    head = f"### {text(row.id)} is broken in {text(row.scenario)} ({row.subject})"
    story = [f"- {text(line(one))}" for one in row.story]
    more = f"`{command(row.id)}` says what it means."
    return "\n".join([head, "", text(row.reason), "", *story, "", more])


def _unproved(report: Report) -> Iterator[str]:
    rest = [one for one in report.tests if one.outcome not in ("passed", "failed")]
    if rest:
        yield "### Not proved"
    # The tests of a scenario mostly share their reason.
    reasons: dict[tuple[str, str], list[str]] = {}
    for test in rest:
        why = _why(report, test)
        reasons.setdefault((test.outcome, why), []).append(test.id)
    for (outcome, why), ids in reasons.items():
        yield f"- {text(', '.join(ids))}: {text(outcome)}. {text(why)}"


def _why(report: Report, test: Case) -> str:
    unknown = [
        found.reason
        for row in report.invariants
        if row.id == test.invariant and row.scenario == test.scenario
        for found in row.findings
        if found.verdict == "unknown"
    ]
    return "; ".join(unknown) or test.reason


def _code(words: str) -> str:
    """A command that can be copied; nothing ends the code before its end."""
    flat = " ".join(escape(words).split())
    fence = "`"
    while fence in flat:
        fence += "`"
    return f"{fence} {flat} {fence}"


FORMAT = Format(("summary.md",), render)
