"""What the index of a site shows: images, their reports over time, invariants across."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from harness.checks.invariant import sort_key
from harness.core.text import clean
from harness.report.model import Report, VerdictWord

_MARKS: dict[VerdictWord | None, str] = {"pass": "✓", "fail": "✗", "unknown": "?", None: ""}


@dataclass(frozen=True)
class Cell:
    """An invariant in a report: a mark, and the same in words."""

    id: str
    mark: str
    verdict: str


@dataclass(frozen=True)
class Row:
    """One report."""

    folder: str
    digest: str
    finished: str
    result: str
    headline: str
    version: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """An image by its name, and a profile: the newest report first."""

    image: str
    profile: str
    badge: str
    ids: tuple[str, ...]
    rows: tuple[Row, ...]


def folder_of(report: Report) -> str:
    """Where a report's page is: a name that only its content decides."""
    return f"reports/{report.report_digest.removeprefix('sha256:')[:32]}"


def profile_of(report: Report) -> str:
    """The names of its profiles, with the level that was asked for."""
    names = [f"{one.name} {'extended' if one.extended else 'core'}" for one in report.profiles]
    return ", ".join(names) or "no profile"


def groups(reports: Iterable[Report]) -> list[Group]:
    """In the order of their names."""
    found: dict[tuple[str, str], list[Report]] = {}
    for one in reports:
        found.setdefault((one.implementation.image.ref, profile_of(one)), []).append(one)
    return [_group(*key, found[key]) for key in sorted(found)]


def newest(reports: Iterable[Report]) -> list[Report]:
    """By the time of their end, the last one first."""
    return sorted(reports, key=lambda one: (one.finished_at, one.report_digest), reverse=True)


def _group(image: str, profile: str, reports: Sequence[Report]) -> Group:
    ordered = newest(reports)
    ids = sorted({name for one in reports for name in one.summary}, key=sort_key)
    return Group(
        image=clean(image),
        profile=clean(profile),
        badge=f"badges/{_slug(image, profile)}.svg",
        ids=tuple(clean(one) for one in ids),
        rows=tuple(_row(one, ids) for one in ordered),
    )


def _row(report: Report, ids: Iterable[str]) -> Row:
    return Row(
        folder=folder_of(report),
        digest=clean(report.implementation.image.digest) or "unknown",
        finished=clean(report.finished_at),
        result=report.result.value,
        headline=clean(report.headline),
        version=clean(report.harness.version),
        cells=tuple(_cell(name, report.summary.get(name)) for name in ids),
    )


def _cell(name: str, verdict: VerdictWord | None) -> Cell:
    return Cell(clean(name), _MARKS[verdict], verdict or "not judged")


def _slug(image: str, profile: str) -> str:
    """A file name that people recognise, and that no other image has."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", image).strip("-.")[:60]
    kind = re.sub(r"[^a-z0-9]+", "-", profile.lower()).strip("-")[:30]
    text = f"{image}\0{profile}".encode("utf-8", "backslashreplace")
    return f"{plain or 'image'}-{kind}-{sha256(text).hexdigest()[:8]}"
