"""An explanation as plain text, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from harness.checks.guarantees.loader import Guarantee

_WIDTH = 100
_NOT_JUDGED = "No checker judges this one yet: no report says anything about it."


def listed(known: Iterable[Guarantee]) -> str:
    """Return an overview: the id, the name and the text of each guarantee."""
    lines = []
    for entry in known:
        head = f"{entry.id:<4}{entry.name}{'' if entry.judged else ' (not judged yet)'}"
        lines += [head, *_block(entry.guarantee)]
    return "\n".join([*lines, "", "queuejob explain ID tells the rest of one."])


def told(one: Guarantee) -> str:
    """Return the complete explanation of one guarantee."""
    return "\n".join(_lines(one))


def _lines(one: Guarantee) -> Iterator[str]:
    yield f"{one.id}  {one.name} ({', '.join(one.patterns)})"
    for title, text in (
        ("what is guaranteed", one.guarantee),
        ("why it matters", one.why),
        ("what breaks it", one.breaks),
        ("how the reference worker keeps it", one.kept),
    ):
        yield from ("", title, *_block(text))
    for excerpt in one.excerpts:
        yield from ("", f"    {excerpt.file}, from line {excerpt.line}")
        yield from (f"      | {line}" for line in excerpt.text.splitlines())
    yield from ("", "what shows it")
    if not one.judged:
        yield from _block(_NOT_JUDGED)
    for showing in one.shown_by:
        yield from _block(f"{showing.scenario} ({', '.join(showing.patterns)}): {showing.says}")


def _block(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
