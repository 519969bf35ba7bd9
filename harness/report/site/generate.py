"""Generate a site from reports on disk. It shows only reports that verify."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from harness.core.errors import QueuejobError, UsageError
from harness.core.text import clean
from harness.report.canonical import decode, encode
from harness.report.model import Report
from harness.report.site.badge import badge
from harness.report.site.index import folder_of, groups, newest, profile_of

#: Lists disagreements between a report and the files next to it; empty if there are none.
Verify = Callable[[Path], Sequence[str]]
#: Renders the page of a report, whose artifacts are in the folder.
Page = Callable[[Report, Path], bytes]
#: File in the root of a site: this tool made the site, and may overwrite it.
_MARKER = ".queuejob-site"
_REPORT = "report.json"
#: Most disagreements that are listed for one report.
_MOST_LISTED = 3


@dataclass(frozen=True)
class LeftOut:
    """A report that is not shown, and the reason."""

    path: str
    why: str


@dataclass(frozen=True)
class PublishedSite:
    """The published reports, and those that were left out."""

    reports: tuple[Report, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Source:
    report: Report
    folder: Path


def publish(reports: Path, out: Path, verify: Verify, page: Page) -> PublishedSite:
    """Generate the site `out` from each `report.json` below `reports`, each once.

    A report that cannot be read, or does not agree with its histories, is left out and named.
    Raises `UsageError` if there are no reports, and if `out` contains something else.
    """
    reports, out = reports.resolve(), out.resolve()
    paths = sorted(entry for entry in reports.rglob(_REPORT) if out not in entry.parents)
    if not paths:
        raise UsageError(
            f"there are no reports below {reports}",
            expected=f"folders with a {_REPORT} each",
            seen="none",
            todo="run `queuejob check --out FOLDER` first",
        )
    _clear(out)
    sources: dict[str, _Source] = {}
    left_out = []
    for path in paths:
        try:
            source = _load_source(path, _name(path, reports), verify)
            _copy(source, out, page)
        except Exception as error:  # any error: one bad report must not block the others
            left_out.append(LeftOut(clean(_name(path, reports)), clean(_short(error))))
        else:
            sources.setdefault(source.report.report_digest, source)
    site = PublishedSite(tuple(newest(entry.report for entry in sources.values())), tuple(left_out))
    _write_index(site, out)
    return site


def _load_source(path: Path, name: str, verify: Verify) -> _Source:
    report = decode(path.read_bytes(), name)
    for artifact in report.artifacts:
        _check_inside(path.parent, artifact.path)
    if disagreements := verify(path):
        raise QueuejobError(
            f"{name} does not agree with what lies beside it",
            seen="; ".join(disagreements[:_MOST_LISTED]),
        )
    return _Source(report, path.parent)


def _check_inside(folder: Path, path: str) -> None:
    """Raise unless the path stays in the folder: reports are not trusted."""
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise QueuejobError(f"{path} is not in the report's folder")


def _name(path: Path, reports: Path) -> str:
    return path.relative_to(reports).as_posix()


def _short(error: Exception) -> str:
    """Describe an error without the paths of this machine."""
    if isinstance(error, QueuejobError):
        return f"{error.what}: {error.seen}" if error.seen else error.what
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / _MARKER).is_file():
        raise UsageError(
            f"{out} holds something that is no site of this tool",
            expected="an empty folder, none, or a site that `queuejob publish` has made",
            seen=", ".join(sorted(path.name for path in out.iterdir())[:5]),
            todo="give another folder with --out",
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / _MARKER).touch()


def _copy(source: _Source, out: Path, page: Page) -> None:
    """Render a report's page again, and copy all files that a reader needs to verify it."""
    report = source.report
    folder = out / folder_of(report)
    if folder.exists():
        return
    page_bytes = page(report, source.folder)
    folder.mkdir(parents=True)
    try:
        for artifact in report.artifacts:
            target = folder / artifact.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.folder / artifact.path, target)
        (folder / "index.html").write_bytes(page_bytes)
        (folder / _REPORT).write_bytes(encode(report))
        (folder / "badge.svg").write_bytes(badge(report.result, profile_of(report)))
    except BaseException:
        shutil.rmtree(folder)
        raise


def _write_index(made: PublishedSite, out: Path) -> None:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report.site", "template"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    all_groups = groups(made.reports)
    html = environment.get_template("site.html").render(groups=all_groups, left_out=made.left_out)
    (out / "index.html").write_text(html, encoding="utf-8")
    for group, latest in _badges(made):
        path = out / group
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(badge(latest.result, profile_of(latest)))


def _badges(made: PublishedSite) -> Iterator[tuple[str, Report]]:
    """Yield the badge of each group, with its newest report."""
    by_folder = {folder_of(report): report for report in made.reports}
    for group in groups(made.reports):
        yield group.badge, by_folder[group.rows[0].folder]
