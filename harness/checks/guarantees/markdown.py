"""All explanations as one Markdown document for `docs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from harness.checks.guarantees.links import anchor, link
from harness.checks.guarantees.loader import Guarantee

_LANGUAGES = {".py": "python", ".yaml": "yaml"}
_HEAD = """\
# What is guaranteed, and why

What a worker of a queue Job has to keep: S is for safety (what must never happen), L for liveness
(what must happen, in time), J for the Job's manifest, N for nodes. `queuejob explain ID` tells the
same in a terminal.

<!-- Made by `queuejob explain --markdown`; the texts are in harness/checks/guarantees/texts. -->
"""


def page(known: Iterable[Guarantee]) -> str:
    """Return the document, with a table of all guarantees at the top."""
    entries = list(known)
    rows = [
        f"| [{entry.id}]({link(entry.id)}) | {entry.name} | {_patterns(entry)} |"
        for entry in entries
    ]
    table = ["| | | for |", "|---|---|---|", *rows]
    parts = [_HEAD, "\n".join(table) + "\n"]
    parts += ["\n".join(_section(entry)) for entry in entries]
    return "\n".join(parts)


def _section(one: Guarantee) -> Iterator[str]:
    yield f'<a id="{anchor(one.id)}"></a>'
    yield ""
    yield f"## {one.id}: {one.name}"
    yield ""
    yield f"{one.guarantee} *({_patterns(one)})*"
    yield ""
    yield f"**Why it matters.** {one.why}"
    yield ""
    yield f"**What breaks it.** {one.breaks}"
    yield ""
    yield f"**How the reference worker keeps it.** {one.kept}"
    yield ""
    for excerpt in one.excerpts:
        yield f"[`{excerpt.file}`](../manifests/{excerpt.file}), from line {excerpt.line}:"
        yield ""
        yield f"```{_LANGUAGES.get(PurePosixPath(excerpt.file).suffix, '')}"
        yield excerpt.text
        yield "```"
        yield ""
    if not one.judged:
        yield "No checker judges this one yet: no report says anything about it."
        yield ""
    if one.shown_by:
        yield "**What shows it.**"
        yield ""
        for showing in one.shown_by:
            yield f"- `{showing.scenario}` ({', '.join(showing.patterns)}): {showing.says}"
        yield ""


def _patterns(one: Guarantee) -> str:
    return ", ".join(one.patterns)
