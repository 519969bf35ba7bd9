"""An explanation as plain text, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from harness.checks.guarantees.loader import Guarantee

_WIDTH = 100
_NOT_JUDGED = "No checker judges this one yet: no report says anything about it."


def listed(known: Iterable[Guarantee]) -> str:
    """One line for each: its id, its name, what it says."""
    lines = []
    for one in known:
        head = f"{one.id:<4}{one.name}{'' if one.judged else ' (not judged yet)'}"
        lines += [head, *_block(one.guarantee)]
    return "\n".join([*lines, "", "queuejob explain ID tells the rest of one."])


def told(one: Guarantee) -> str:
    """All about one guarantee."""
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
    for cut in one.excerpts:
        yield from ("", f"    {cut.file}, from line {cut.line}")
        yield from (f"      | {line}" for line in cut.text.splitlines())
    yield from ("", "what shows it")
    if not one.judged:
        yield from _block(_NOT_JUDGED)
    for shown in one.shown_by:
        yield from _block(f"{shown.scenario} ({', '.join(shown.patterns)}): {shown.says}")


def _block(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
