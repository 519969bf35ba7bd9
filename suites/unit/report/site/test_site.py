"""A folder of reports as a site: what is shown, what is left out, and that it never differs."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from harness.cli.main import main
from harness.core.errors import UsageError
from harness.report.canonical import encode, sealed
from harness.report.model import Digested, Image, Implementation, Report, Result
from harness.report.site import PublishedSite, publish
from harness.report.site.badge import badge
from harness.suites.unit.dsl import reports as made

HOSTILE = "evil/<script>alert(1)</script>&\x1b[31m\"'"


def write(report: Report, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(encode(report))
    return folder


def image(ref: str, digit: str) -> Implementation:
    return Implementation(image=Image(ref=ref, digest="sha256:" + digit * 64))


def agrees(_: Path) -> list[str]:
    return []


def page(report: Report, _: Path) -> bytes:
    return f"page of {report.report_id}".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three reports of one image, one of another with a hostile name, and two broken ones."""
    found = tmp_path / "reports"
    for name, make, digit in (("1", made.good, "a"), ("2", made.bad, "b"), ("3", made.good, "c")):
        write(
            make(
                found / name,
                report_id=name,
                finished_at=f"2026-01-0{name}T00:00:00Z",
                implementation=image("my/worker", digit),
            ),
            found / name,
        )
    write(made.bad(found / "x", implementation=image(HOSTILE, "d")), found / "x")
    (found / "y<b>").mkdir()
    (found / "y<b>" / "report.json").write_text("{")
    (found / "z").mkdir()
    (found / "z" / "report.json").write_bytes(b"\xff\xfe")
    return found


def files(site: Path) -> dict[str, str]:
    return {
        one.relative_to(site).as_posix(): sha256(one.read_bytes()).hexdigest()
        for one in sorted(site.rglob("*"))
        if one.is_file()
    }


def test_the_same_reports_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Also elsewhere, and over a site that was there before."""
    publish(folder, tmp_path / "one", agrees, page)
    first = files(tmp_path / "one")
    (tmp_path / "one" / "old.html").touch()
    publish(folder, tmp_path / "one", agrees, page)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    publish(elsewhere, tmp_path / "two", agrees, page)
    assert files(tmp_path / "one") == first == files(tmp_path / "two")


def test_a_broken_report_is_named_and_the_rest_is_published(folder: Path, tmp_path: Path) -> None:
    published = publish(folder, tmp_path / "site", agrees, page)
    assert [one.path for one in published.left_out] == ["y<b>/report.json", "z/report.json"]
    assert len(published.reports) == 4
    index = (tmp_path / "site" / "index.html").read_text()
    assert "y&lt;b&gt;/report.json" in index
    assert str(tmp_path) not in index


def test_what_does_not_agree_is_nowhere_shown_as_conformant(folder: Path, tmp_path: Path) -> None:
    def verify(path: Path) -> list[str]:
        return ["the history was changed"] if path.parent.name in "13" else []

    published = publish(folder, tmp_path / "site", verify, page)
    assert [one.report_id for one in published.reports] == ["2", "r-1"]
    index = (tmp_path / "site" / "index.html").read_text()
    assert "the history was changed" in index
    assert 'class="conformant"' not in index


def test_hostile_names_are_text(folder: Path, tmp_path: Path) -> None:
    publish(folder, tmp_path / "site", agrees, page)
    index = (tmp_path / "site" / "index.html").read_text()
    assert "<script" not in index
    assert "evil/&lt;script&gt;" in index
    assert "\x1b" not in index
    for one in (tmp_path / "site").rglob("*.svg"):
        ElementTree.fromstring(one.read_bytes())  # noqa: S314  # our own, and to be well-formed


def test_the_newest_report_of_an_image_stands_first_and_makes_its_badge(
    folder: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    publish(folder, site, agrees, page)
    index = (site / "index.html").read_text()
    assert index.index("cccccccccccc") < index.index("bbbbbbbbbbbb") < index.index("aaaaaaaaaaaa")
    (one,) = (site / "badges").glob("my-worker-fine-redis-core-*.svg")
    assert b"conformant" in one.read_bytes()
    assert b"nonconformant" not in one.read_bytes()


def test_a_report_travels_with_all_by_which_it_is_verified(folder: Path, tmp_path: Path) -> None:
    """Its page is made anew: one that lies beside it may say anything."""
    (folder / "1" / "index.html").write_text("all is fine")
    published = publish(folder, tmp_path / "site", agrees, page)
    report = next(one for one in published.reports if one.report_id == "1")
    home = next((tmp_path / "site" / "reports").glob(f"{report.report_digest[7:39]}*"))
    assert (home / "index.html").read_text() == "page of 1"
    for one in report.artifacts:
        assert (home / one.path).read_bytes() == (folder / "1" / one.path).read_bytes()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link"])
def test_no_report_reaches_out_of_its_folder(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "reports" / "1"
    report = made.good(folder)
    (tmp_path / "reports" / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "reports" / "secret")
    stolen = (*report.artifacts, Digested(path=path, sha256=""))
    write(sealed(msgspec.structs.replace(report, artifacts=stolen)), folder)
    # Even where nobody verifies.
    published = publish(tmp_path / "reports", tmp_path / "site", lambda _: [], page)
    assert published == PublishedSite((), published.left_out)
    assert "is not in the report's folder" in published.left_out[0].why
    assert "secret" not in [one.name for one in (tmp_path / "site").rglob("*")]


def test_nothing_but_a_site_is_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(UsageError, match="no site of this tool"):
        publish(folder, tmp_path / "mine", agrees, page)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    with pytest.raises(UsageError, match="there are no reports"):
        publish(tmp_path / "mine", tmp_path / "site", agrees, page)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("result", list(Result))
def test_a_badge_says_in_words_what_its_colour_says(result: Result) -> None:
    svg = badge(result, "FINE-REDIS <core>")
    ElementTree.fromstring(svg)  # noqa: S314  # our own, and to be well-formed
    assert f"{result.value} · FINE-REDIS &lt;core&gt;".encode() in svg


def test_the_command_names_what_it_leaves_out_and_ends_with_6(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that does not agree with what lies beside it is one of these."""
    write(made.good(tmp_path / "reports"), tmp_path / "reports")
    history = next((tmp_path / "reports").rglob("history.ndjson"))
    history.write_bytes(history.read_bytes() + b"\n")
    assert main(["publish", str(tmp_path / "reports"), "--out", str(tmp_path / "site")]) == 6
    told = capsys.readouterr()
    assert "left out: report.json: " in told.err
    assert "0 reports" in told.out
    assert "Left out" in (tmp_path / "site" / "index.html").read_text()
    assert main(["publish", str(tmp_path / "none"), "--out", str(tmp_path / "other")]) == 4
