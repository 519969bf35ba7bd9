"""The data of a site's index: images, their reports over time, invariants across."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from harness.checks.invariant import sort_key
from harness.core.text import clean
from harness.report.model import Report, VerdictWord

_SYMBOLS: dict[VerdictWord | None, str] = {"pass": "✓", "fail": "✗", "unknown": "?", None: ""}


@dataclass(frozen=True)
class Cell:
    """An invariant in a report: a symbol, and the same in words."""

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
    """The reports of one image name and one profile, newest first."""

    image: str
    profile: str
    badge: str
    ids: tuple[str, ...]
    rows: tuple[Row, ...]


def folder_of(report: Report) -> str:
    """Return the folder of a report's page; its name depends only on the report's content."""
    return f"reports/{report.report_digest.removeprefix('sha256:')[:32]}"


def profile_of(report: Report) -> str:
    """Return the names of the profiles, with the level that was requested."""
    names = [
        f"{profile.name} {'extended' if profile.extended else 'core'}"
        for profile in report.profiles
    ]
    return ", ".join(names) or "no profile"


def groups(reports: Iterable[Report]) -> list[Group]:
    """Group the reports by image and profile, sorted by name."""
    grouped: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        grouped.setdefault((report.implementation.image.ref, profile_of(report)), []).append(report)
    return [_group(*key, grouped[key]) for key in sorted(grouped)]


def newest(reports: Iterable[Report]) -> list[Report]:
    """Sort the reports by the time of their end, newest first."""
    return sorted(
        reports, key=lambda report: (report.finished_at, report.report_digest), reverse=True
    )


def _group(image: str, profile: str, reports: Sequence[Report]) -> Group:
    ordered = newest(reports)
    ids = sorted({name for entry in reports for name in entry.summary}, key=sort_key)
    return Group(
        image=clean(image),
        profile=clean(profile),
        badge=f"badges/{_slug(image, profile)}.svg",
        ids=tuple(clean(entry) for entry in ids),
        rows=tuple(_row(entry, ids) for entry in ordered),
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
    return Cell(clean(name), _SYMBOLS[verdict], verdict or "not judged")


def _slug(image: str, profile: str) -> str:
    """Return a file name that people recognise and that is unique to an image and a profile."""
    image_slug = re.sub(r"[^A-Za-z0-9.]+", "-", image).strip("-.")[:60]
    profile_slug = re.sub(r"[^a-z0-9]+", "-", profile.lower()).strip("-")[:30]
    text = f"{image}\0{profile}".encode("utf-8", "backslashreplace")
    return f"{image_slug or 'image'}-{profile_slug}-{sha256(text).hexdigest()[:8]}"
