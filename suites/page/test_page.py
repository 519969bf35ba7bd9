"""The page in a browser: it draws, it can be used by anybody, and what workers print is text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from harness.report import formats
from harness.report.html import html
from harness.report.site import publish
from harness.suites.page.pages import HOSTILE, hostile, lost, many, page
from harness.suites.unit.dsl.reports import bad, good

WIDE, PHONE = 1280, 400
#: From the start of the navigation until the page was drawn: two frames after its load.
_DRAWN = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => done(performance.now()))))"""


@contextmanager
def opened(browser: Browser, file: Path, width: int = WIDE, **how: Any) -> Iterator[Page]:
    """The page, open; whatever a browser complains about is an error."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **how)
    wrong: list[str] = []
    fetched: list[str] = []
    context.set_default_timeout(15_000)
    sheet = context.new_page()
    sheet.on("console", lambda message: wrong.append(message.text))
    sheet.on("pageerror", lambda error: wrong.append(str(error)))
    sheet.on("request", lambda request: fetched.append(request.url))
    sheet.goto(file.as_uri())
    yield sheet
    context.close()
    assert wrong == []
    assert fetched == [file.as_uri()]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a scenario that fails and one that does not."""
    folder = tmp_path_factory.mktemp("usual")
    return page(folder, killed_in_work=lost(), fault_free=many(20, 2))


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_verdict_comes_first_and_nothing_sticks_out(
    browser: Browser, usual: Path, width: int
) -> None:
    with opened(browser, usual, width) as sheet:
        assert sheet.title() == "Not conformant: my/worker:1"
        box = sheet.locator("#verdict").bounding_box()
        assert box is not None
        assert box["y"] < 100
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width


def test_every_step_of_a_story_is_in_the_time_line(browser: Browser, usual: Path) -> None:
    with opened(browser, usual) as sheet:
        for scene in sheet.locator("article.scene").all():
            steps = scene.locator(".steps li").evaluate_all("all => all.map(e => e.dataset.step)")
            marks = scene.locator(".mark").evaluate_all("all => all.map(e => e.dataset.step)")
            assert set(steps) == set(marks)
        sheet.locator(".steps li").first.hover()
        assert sheet.locator(".mark.on").count() == 1


def test_a_pointer_is_told_the_event(browser: Browser, usual: Path) -> None:
    with opened(browser, usual) as sheet:
        scene = sheet.locator("article.scene", has_text="killed-in-work")
        scene.locator(".box.lost > rect").last.hover()
        told = scene.locator(".now").inner_text()
        assert told.startswith("apple: delivered at 1.50 s, begun at 1.60 s, never settled")


def test_the_filter_leaves_what_was_asked_for(browser: Browser, usual: Path) -> None:
    with opened(browser, usual) as sheet:
        before = sheet.locator("article.scene:visible").count()
        sheet.get_by_label("L1", exact=True).check()
        assert before == 2
        assert sheet.locator("article.scene:visible h3").all_inner_texts() == ["killed-in-work"]
        assert {text.split()[0] for text in sheet.locator("h4:visible").all_inner_texts()} <= {"L1"}
        sheet.get_by_label("all", exact=True).check()
        assert sheet.locator("article.scene:visible").count() == before


def test_the_keyboard_is_enough(browser: Browser, usual: Path) -> None:
    with opened(browser, usual) as sheet:
        sheet.keyboard.press("Tab")
        assert sheet.evaluate("document.activeElement.textContent") == "To the verdict"
        assert (sheet.locator(".skip a").first.bounding_box() or {"x": -1})["x"] >= 0
        sheet.keyboard.press("Tab")
        sheet.keyboard.press("Enter")
        _tab_to(sheet, "input[name=only]")
        sheet.keyboard.press("ArrowRight")
        assert sheet.locator("#only-i1").is_checked()
        sheet.keyboard.press("ArrowLeft")
        _tab_to(sheet, "svg.line")
        outline = sheet.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        said = []
        for _ in range(4):
            sheet.keyboard.press("ArrowRight")
            said.append(sheet.locator(".now:visible").inner_text())
        assert len(set(said)) == 4
        sheet.keyboard.press("Escape")
        assert sheet.locator(".now:visible").count() == 0
        _tab_to(sheet, ".events summary")
        sheet.keyboard.press("Enter")
        assert sheet.locator(".events table:visible").count() == 1


def _tab_to(sheet: Page, selector: str) -> None:
    for _ in range(200):
        sheet.keyboard.press("Tab")
        if sheet.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not come to {selector}")


def test_without_scripts_it_can_be_read_and_filtered(browser: Browser, usual: Path) -> None:
    with opened(browser, usual, java_script_enabled=False) as sheet:
        assert sheet.locator("#verdict").is_visible()
        assert sheet.locator(".steps li").first.is_visible()
        assert sheet.locator("svg.line").first.is_visible()
        sheet.locator("#only-i1").check()
        assert sheet.locator("article.scene:visible").count() >= 1


def test_a_finding_leads_to_its_explanation(browser: Browser, usual: Path) -> None:
    with opened(browser, usual) as sheet:
        sheet.locator("h4 a", has_text="L1").first.click()
        assert sheet.evaluate("document.querySelector(':target').id") == "explain-L1"
        assert sheet.locator(":target").is_visible()


def test_what_workers_print_does_not_act(browser: Browser, tmp_path: Path) -> None:
    file = page(tmp_path, killed_in_work=hostile())
    with opened(browser, file) as sheet:
        sheet.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert sheet.evaluate("window.hurt") is None
        assert sheet.locator("img, script:not(:last-of-type), [onerror], [onload]").count() == 0
        assert sheet.locator("script").count() == 1
        text = sheet.locator("body").inner_text()
        for one in (HOSTILE[0], HOSTILE[4]):
            assert one in text
        assert "\\u202egnp.exe\\u2066" in text
        assert not set(text) & {"\x1b", "\u202e", "\u2066"}
        links = sheet.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert all(link.startswith("#") for link in links)


@pytest.mark.parametrize("items", [1000, 10_000], ids=["5000 events", "50000 events"])
def test_many_events_are_drawn(
    browser: Browser, tmp_path: Path, record_property: Callable[[str, object], None], items: int
) -> None:
    file = page(tmp_path, fault_free=many(items))
    with opened(browser, file) as sheet:
        milliseconds = sheet.evaluate(_DRAWN)
        figures = {
            "milliseconds": round(milliseconds),
            "CPU seconds": _process_time(sheet),
            "bytes": file.stat().st_size,
            "elements": sheet.locator("*").count(),
        }
        record_property("drawn", json.dumps(figures))
        print(f"\n{5 * items} events: {figures}")
        assert sheet.locator(".box").count() > 0
        assert sheet.locator(".mark").count() > 0
        # What is not there is said not to be.
        assert sheet.locator(".events .note").text_content()
        assert sheet.locator(".picture .note").count() == (items > 2000)


def _process_time(sheet: Page) -> float:
    """What the page's process has used of a processor: on a busy machine that tells more."""
    session = sheet.context.new_cdp_session(sheet)
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "ProcessTime")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_site_fits_any_width(
    browser: Browser, tmp_path: Path, kept: Path, width: int, scheme: Any
) -> None:
    for make in (good, bad):
        folder = tmp_path / "reports" / make.__name__
        formats.write(make(folder), folder)
    publish(tmp_path / "reports", tmp_path / "site", lambda _: (), html)
    sheet = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    sheet.goto((tmp_path / "site" / "index.html").as_uri())
    assert sheet.locator("tbody tr").count() == 2
    assert sheet.evaluate("document.documentElement.scrollWidth") <= width
    sheet.screenshot(path=kept / f"site-{width}-{scheme}.png", full_page=True)
    sheet.locator("tbody a").first.click()
    assert sheet.locator("#verdict").is_visible()
    sheet.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_screenshots_are_kept(
    browser: Browser, usual: Path, kept: Path, width: int, scheme: Any
) -> None:
    with opened(browser, usual, width, color_scheme=scheme) as sheet:
        ink, paper = sheet.evaluate(
            "(look => [look.color, look.backgroundColor])(getComputedStyle(document.body))"
        )
        assert (_light(ink), _light(paper)) == ((scheme == "dark"), (scheme == "light"))
        file = kept / f"page-{width}-{scheme}.png"
        sheet.screenshot(path=file, full_page=True)
        assert file.stat().st_size > 10_000


def _light(color: str) -> bool:
    numbers = [int(one) for one in color.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(numbers) > 3 * 128


def test_it_prints(browser: Browser, usual: Path, kept: Path) -> None:
    with opened(browser, usual) as sheet:
        sheet.emulate_media(media="print")
        assert not sheet.locator(".filter").is_visible()
        assert sheet.locator("svg.line").first.is_visible()
        sheet.pdf(path=kept / "page.pdf")
