"""From reports on disk to the files of a site. Only what agrees with its histories gets there."""

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

#: What does not agree in a report and what lies beside it; nothing when all does.
Verify = Callable[[Path], Sequence[str]]
#: Makes the page of a report, whose artifacts are in the folder.
Page = Callable[[Report, Path], bytes]
#: In the root of a site: it was made here, and may be made anew.
_MARK = ".queuejob-site"
_REPORT = "report.json"
#: Disagreements of one report that are told.
_TOLD = 3


@dataclass(frozen=True)
class LeftOut:
    """A report that is not shown, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class PublishedSite:
    """What has become of the reports that were found."""

    reports: tuple[Report, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class _Source:
    report: Report
    folder: Path


def publish(reports: Path, out: Path, verify: Verify, page: Page) -> PublishedSite:
    """Make the site `out` of each `report.json` below `reports`, each once.

    A report that cannot be read, or does not agree with its histories, is left out and named.
    Raises `UsageError` where there are no reports, and where `out` holds something else.
    """
    reports, out = reports.resolve(), out.resolve()
    paths = sorted(one for one in reports.rglob(_REPORT) if out not in one.parents)
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
            source = _source(path, _name(path, reports), verify)
            _copy(source, out, page)
        except Exception as error:  # whatever it is: one report must not cost the others
            left_out.append(LeftOut(clean(_name(path, reports)), clean(_short(error))))
        else:
            sources.setdefault(source.report.report_digest, source)
    made = PublishedSite(tuple(newest(one.report for one in sources.values())), tuple(left_out))
    _index(made, out)
    return made


def _source(path: Path, name: str, verify: Verify) -> _Source:
    report = decode(path.read_bytes(), name)
    for one in report.artifacts:
        _inside(path.parent, one.path)
    if wrong := verify(path):
        raise QueuejobError(
            f"{name} does not agree with what lies beside it", seen="; ".join(wrong[:_TOLD])
        )
    return _Source(report, path.parent)


def _inside(folder: Path, path: str) -> None:
    """Raise unless the file is one in the folder: a report may come from anybody."""
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise QueuejobError(f"{path} is not in the report's folder")


def _name(path: Path, reports: Path) -> str:
    return path.relative_to(reports).as_posix()


def _short(error: Exception) -> str:
    """What is wrong, without where this machine has its files."""
    if isinstance(error, QueuejobError):
        return f"{error.what}: {error.seen}" if error.seen else error.what
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise UsageError(
            f"{out} holds something that is no site of this tool",
            expected="an empty folder, none, or a site that `queuejob publish` has made",
            seen=", ".join(sorted(one.name for one in out.iterdir())[:5]),
            todo="give another folder with --out",
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / _MARK).touch()


def _copy(source: _Source, out: Path, page: Page) -> None:
    """A report's page, made anew, and all by which a reader can verify it."""
    report = source.report
    folder = out / folder_of(report)
    if folder.exists():
        return
    made = page(report, source.folder)
    folder.mkdir(parents=True)
    try:
        for one in report.artifacts:
            target = folder / one.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.folder / one.path, target)
        (folder / "index.html").write_bytes(made)
        (folder / _REPORT).write_bytes(encode(report))
        (folder / "badge.svg").write_bytes(badge(report.result, profile_of(report)))
    except BaseException:
        shutil.rmtree(folder)
        raise


def _index(made: PublishedSite, out: Path) -> None:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report.site", "template"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = groups(made.reports)
    html = environment.get_template("site.html").render(groups=found, left_out=made.left_out)
    (out / "index.html").write_text(html, encoding="utf-8")
    for group, latest in _latest(made):
        path = out / group
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(badge(latest.result, profile_of(latest)))


def _latest(made: PublishedSite) -> Iterator[tuple[str, Report]]:
    """The badge of each group, with its newest report."""
    by_folder = {folder_of(one): one for one in made.reports}
    for group in groups(made.reports):
        yield group.badge, by_folder[group.rows[0].folder]
