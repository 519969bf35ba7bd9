"""The page as bytes: what is in it, what is left out, and that nothing of others' acts."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import msgspec
import pytest

from harness.history import LogLine
from harness.report.html import html
from harness.report.html.event_table import MOST_EVENTS, event_table
from harness.report.html.layout import MOST_BARS, Cited, Drawing, draw
from harness.report.html.timeline import timeline
from harness.suites.unit.dsl.history import Tale, good_coarse, good_fine
from harness.suites.unit.dsl.reports import bad, good


def drawn(tale: Tale, *cited: Cited) -> Drawing:
    return draw(timeline(tale.view(), tale.events), cited)


def test_a_worker_is_a_row_and_an_attempt_a_bar() -> None:
    line = timeline(good_fine().view(), good_fine().events)
    assert [row.label for row in line.rows] == [
        "worker 1 (pod pod-a, run 0)",
        "worker 2 (pod pod-b, run 0)",
    ]
    (bar,) = line.rows[0].bars
    assert (bar.item, bar.since, bar.until, bar.fate) == ("apple", 1.0, 2.0, "settled")
    assert bar.work == (1.0, 2.0)
    assert [row.exit.code for row in line.rows if row.exit] == [0, 0]
    assert line.over == (6.0, "Complete")


def test_a_dead_worker_s_item_is_lost_and_its_lease_goes_on() -> None:
    tale = Tale("fine")
    tale.sent("apple")
    tale.came(1.0, "a")
    tale.given(1.0, "a", "apple", until=11.0)
    tale.leased(4.0, "a", "apple", 14.0)
    tale.harmed(5.0, "container killed", "a")
    tale.killed(5.0, "a")
    tale.over(20.0)
    line = timeline(tale.view(), tale.events)
    (bar,) = line.rows[0].bars
    assert (bar.until, bar.fate, bar.lease) == (5.0, "lost", 14.0)
    assert [(band.fault, band.row, band.confirmed) for band in line.bands] == [
        ("container killed", 0, True)
    ]


def test_work_after_the_settlement_is_drawn_behind_it() -> None:
    tale = Tale("coarse")
    tale.sent("apple")
    tale.came(1.0, "a")
    tale.given(1.0, "a", "apple", final=True)
    tale.began(1.0, "a", "apple")
    tale.finished(6.0, "a", "apple")
    tale.over(10.0)
    (box,) = drawn(tale).lanes[0].boxes
    assert box.after is not None
    assert box.after[0] + box.after[1] == pytest.approx(97.0 * 6 / 10)
    assert "after" in drawn(tale).kinds


def test_items_at_once_are_drawn_one_under_the_other() -> None:
    tale = Tale("coarse")
    tale.sent("apple", "banana")
    tale.came(1.0, "a")
    tale.given(1.0, "a", "apple")
    tale.given(1.0, "a", "banana")
    tale.over(10.0)
    first, second = drawn(tale).lanes[0].boxes
    assert first.y < second.y


def test_nothing_is_drawn_outside_and_badges_do_not_cover_each_other() -> None:
    cited = [Cited(n, n, 9.9 + n / 100, "text", 0) for n in range(1, 4)]
    drawing = drawn(good_coarse(), *cited)
    assert len({(badge.x, badge.y) for badge in drawing.badges}) == 3
    assert len({badge.y for badge in drawing.badges}) == 3
    assert all(0 <= badge.x <= 100 and badge.y < drawing.height for badge in drawing.badges)
    for lane in drawing.lanes:
        assert all(box.x >= 0 and box.x + box.width <= 100 for box in lane.boxes)


def test_very_many_attempts_are_drawn_as_stretches_and_the_page_says_so() -> None:
    tale = Tale("fine")
    names = [f"item-{number}" for number in range(MOST_BARS + 1)]
    tale.sent(*names)
    tale.came(1.0, "a")
    for number, name in enumerate(names):
        tale.worked(1.0 + number, "a", name, 0.9)
    tale.over(MOST_BARS + 10.0)
    drawing = drawn(tale)
    assert len(drawing.lanes[0].boxes) < 100
    assert sum(int(box.item.split()[0]) for box in drawing.lanes[0].boxes) == len(names)
    assert "are too many to be drawn one by one" in drawing.notes[0]


def test_of_very_many_events_those_are_listed_that_findings_rest_on() -> None:
    tale = good_fine()
    tale.events.pop()
    for number in range(2 * MOST_EVENTS):
        tale.put(9.0, "logs", LogLine(tale.worker("a"), f"line {number}", 9.0))
    middle = tale.events[MOST_EVENTS].id
    listed = event_table(tale.view().names, tale.events, {middle})
    assert listed.total == len(tale.events)
    assert len(listed.lines) == MOST_EVENTS + 1
    assert [line.event for line in listed.lines if line.cited] == [middle]


def test_the_same_report_gives_the_same_page(tmp_path: Path) -> None:
    report = good(tmp_path)
    assert html(report, tmp_path) == html(report, tmp_path)


def test_nothing_but_what_is_in_the_page_may_act(tmp_path: Path) -> None:
    text = html(bad(tmp_path), tmp_path).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    policy = policy.replace("&#39;", "'")
    assert "default-src 'none'" in policy
    for kind in ("style", "script"):
        (inside,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r'(src|href)="(?!#)', text)
    assert " style=" not in text


@pytest.mark.parametrize(
    "item",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><svg onload=x>"],
)
def test_what_others_wrote_is_text(tmp_path: Path, item: str) -> None:
    report = bad(tmp_path, item)
    image = msgspec.structs.replace(report.implementation.image, ref=item)
    named = msgspec.structs.replace(report.implementation, image=image)
    text = html(msgspec.structs.replace(report, implementation=named), tmp_path).decode()
    assert item not in text
    assert text.count("<script>") == text.count("</style>") == 1
    assert "onerror=" not in re.sub(r"&#?\w+;[^<]*", "", text)


def test_characters_that_turn_the_text_around_become_visible(tmp_path: Path) -> None:
    report = bad(tmp_path)
    text = html(msgspec.structs.replace(report, headline="safe\u202egnp.exe"), tmp_path).decode()
    assert "\u202e" not in text
    assert "safe\\u202egnp.exe" in text


def test_a_history_that_is_not_there_is_missed_and_the_rest_is_shown(tmp_path: Path) -> None:
    report = bad(tmp_path)
    next(tmp_path.rglob("history.ndjson")).unlink()
    text = html(report, tmp_path).decode()
    assert "The history cannot be shown" in text
    assert "Not conformant" in text


def test_a_report_without_any_run_says_that_nothing_was_judged(tmp_path: Path) -> None:
    report = msgspec.structs.replace(
        good(tmp_path), result="invalid", summary={}, invariants=(), scenarios=(), tests=()
    )
    text = html(report, tmp_path).decode()
    assert "Nothing was judged." in text
    assert ">Invalid</h1>" in text
