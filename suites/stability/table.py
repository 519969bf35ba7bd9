"""The table of a stability run: what was found, how many times of how many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One run: which worker in which scenario, and what was found."""

    worker: str
    scenario: str
    turn: int
    found: list[str]
    job: list[str]
    right: bool


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Keep this process' rows, and make the table of all that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"rows-{os.getpid()}.json").write_bytes(msgspec.json.encode(rows))
    found: list[Row] = []
    for file in sorted(folder.glob("rows-*.json")):
        found += msgspec.json.decode(file.read_bytes(), type=list[Row])
    (folder / "table.md").write_text(table(found), encoding="utf-8")


def table(rows: Iterable[Row]) -> str:
    """Markdown: one line for each worker and scenario, and each thing that was found there."""
    counts: dict[tuple[str, str], Counter[tuple[str, bool]]] = {}
    for row in rows:
        words = [*row.found, *(f"{one} (job)" for one in row.job)]
        what = " ".join(words) or "nothing"
        counts.setdefault((row.worker, row.scenario), Counter())[what, row.right] += 1
    lines = ["| worker | scenario | found | times | as expected |", "|---|---|---|---|---|"]
    for (worker, scenario), found in sorted(counts.items()):
        total = found.total()
        for (what, right), times in found.most_common():
            shown = scenario.replace("_", "-")
            verdict = "yes" if right else "NO"
            lines.append(f"| {worker} | {shown} | {what} | {times} of {total} | {verdict} |")
    return "\n".join(lines) + "\n"
