"""Lay out a time line: x positions in per cent of the width, y positions in pixels.

So the drawing fits any width without a new layout, and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10

import msgspec

from harness.report.html.timeline import Bar, Row, Timeline

#: Above this count of bars, only stretches in which a worker was busy are drawn.
MOST_BARS = 2000
#: At most this many workers are drawn.
MOST_ROWS = 80
#: Longest stretch, in per cent of the width.
_STRETCH = 2.5
#: Most concurrent items that are drawn one below the other.
_LANES = 4
_LABEL, _LANE, _GAP = 18, 24, 10
_TOP, _AXIS = 40, 22
#: Per cent: the least width of a bar; the least distance of two badges on one level.
_NARROW, _NEAR = 0.3, 3.0
_BADGE, _LEVELS = 18, 4


class Box(msgspec.Struct, frozen=True):
    """An attempt, or a stretch of many: the time for which its worker had the item.

    `x` and the widths are in per cent, `y` is in pixels. `lease`, `work` and `after` (the time
    after the broker forgot the item) are each a start and a width. `settled` is where the item
    was settled.
    """

    x: float
    width: float
    y: int
    kind: str
    item: str
    text: str
    at: float
    lease: tuple[float, float] | None = None
    work: tuple[float, float] | None = None
    after: tuple[float, float] | None = None
    settled: float | None = None


class Ending(msgspec.Struct, frozen=True):
    """The end of a worker."""

    x: float
    good: bool
    code: str
    text: str
    at: float


class Lane(msgspec.Struct, frozen=True):
    """A worker's part of the drawing; `life` is where the worker's life begins and ends."""

    y: int
    height: int
    middle: int
    label: str
    life: tuple[float, float]
    boxes: tuple[Box, ...]
    ending: Ending | None


class FaultMark(msgspec.Struct, frozen=True):
    """A fault, drawn over all rows; `y` and `height` frame the row of its target."""

    x: float
    width: float
    label: str
    text: str
    at: float
    y: int | None
    height: int
    right: bool


class Badge(msgspec.Struct, frozen=True):
    """A numbered event of a story."""

    number: int
    x: float
    y: int
    text: str
    at: float


class Cited(msgspec.Struct, frozen=True):
    """An event that a story cites: its number, its moment, and its row."""

    number: int
    event: int
    at: float
    text: str
    row: int | None


class Drawing(msgspec.Struct, frozen=True):
    """The complete drawing. `notes` describe what was left out."""

    height: int
    lanes: tuple[Lane, ...]
    harms: tuple[FaultMark, ...]
    badges: tuple[Badge, ...]
    ticks: tuple[tuple[float, str], ...]
    over: tuple[float, str] | None
    notes: tuple[str, ...]

    @property
    def kinds(self) -> set[str]:
        """The kinds of shapes that the key has to explain."""
        boxes = [box for lane in self.lanes for box in lane.boxes]
        kinds = {box.kind for box in boxes}
        kinds |= {"after"} if any(box.after for box in boxes) else set()
        kinds |= {"work"} if any(box.work for box in boxes) else set()
        kinds |= {"lease"} if any(box.lease for box in boxes) else set()
        return kinds | ({"fault"} if self.harms else set())


def draw(line: Timeline, cited: Sequence[Cited]) -> Drawing:
    """Lay out a time line with the events that the stories of its scenario cite."""
    across = _Across(line.end)
    bars = sum(len(row.bars) for row in line.rows)
    notes = []
    if bars > MOST_BARS:
        notes.append(
            f"{bars} attempts are too many to be drawn one by one: a bar is a stretch in which the "
            "worker had items. What findings rest on is numbered all the same."
        )
    if len(line.rows) > MOST_ROWS:
        notes.append(
            f"The last {len(line.rows) - MOST_ROWS} of {len(line.rows)} workers are left out."
        )
    lanes, badges, y = [], [], _TOP
    without_lane = [event for event in cited if event.row is None or event.row >= MOST_ROWS]
    row_badges, levels = _badge_levels(without_lane, across, y)
    badges += row_badges
    y += levels * _BADGE
    for index, row in enumerate(line.rows[:MOST_ROWS]):
        lane = _lane(row, across, y, whole=bars <= MOST_BARS)
        bottom = y + lane.height
        row_badges, levels = _badge_levels(
            [event for event in cited if event.row == index], across, bottom
        )
        badges += row_badges
        lanes.append(msgspec.structs.replace(lane, height=lane.height + levels * _BADGE))
        y = bottom + levels * _BADGE + _GAP
    return Drawing(
        y + _AXIS,
        tuple(lanes),
        tuple(_faults(line, lanes, across)),
        tuple(badges),
        tuple(_ticks(line.end, across)),
        None if line.over is None else (across(line.over[0]), line.over[1]),
        tuple(notes),
    )


class _Across:
    """Converts seconds to per cent of the width; a small margin stays free at the right."""

    def __init__(self, end: float) -> None:
        self._scale = 97.0 / end

    def __call__(self, at: float) -> float:
        return round(min(97.0, max(0.0, at * self._scale)), 3)

    def span(self, since: float, until: float) -> tuple[float, float]:
        x = self(since)
        return x, round(max(_NARROW, self(until) - x), 3)


def _lane(row: Row, across: _Across, y: int, *, whole: bool) -> Lane:
    boxes: list[Box] = []
    lanes = 1
    if whole:
        ends: list[float] = []
        for bar in row.bars:
            free = (number for number, end in enumerate(ends) if end <= bar.since)
            position = next(free, min(len(ends), _LANES - 1))
            until = max(bar.until, bar.work[1] if bar.work else 0.0)
            ends[position : position + 1] = [max([until, *ends[position : position + 1]])]
            boxes.append(_box(bar, across, y + _LABEL + position * _LANE))
        lanes = max(1, len(ends))
    else:
        boxes = list(_stretches(row, across, y + _LABEL))
    ending = None
    if row.exit is not None:
        code = "?" if row.exit.code is None else str(row.exit.code)
        killed = ", killed" if row.exit.killed else ""
        text = f"{row.label} ended with exit code {code}{killed}"
        ending = Ending(across(row.exit.at), row.exit.code == 0, code, text, row.exit.at)
    life = across(row.since), across(row.until)
    height = _LABEL + lanes * _LANE
    return Lane(y, height, y + _LABEL + 9, row.label, life, tuple(boxes), ending)


def _box(bar: Bar, across: _Across, y: int) -> Box:
    x, width = across.span(bar.since, bar.until)
    worked_on = bar.work is not None and across(bar.work[1]) > x + width
    return Box(
        x,
        width,
        y,
        bar.fate,
        bar.item,
        bar.text,
        bar.since,
        None if bar.lease is None else across.span(bar.since, bar.lease),
        None if bar.work is None else across.span(*bar.work),
        across.span(bar.until, bar.work[1]) if bar.work and worked_on else None,
        None if bar.settled is None else across(bar.settled),
    )


def _stretches(row: Row, across: _Across, y: int) -> Iterable[Box]:
    """Merge bars that nearly touch into stretches of limited width."""
    end = 0.0
    group: list[Bar] = []
    for bar in sorted(row.bars, key=lambda entry: entry.since):
        x = across(bar.since)
        if group and (x - end > _NARROW or x - across(group[0].since) > _STRETCH):
            yield _stretch(group, across, y)
            group, end = [], 0.0
        group.append(bar)
        end = max(end, across(bar.until))
    if group:
        yield _stretch(group, across, y)


def _stretch(group: Sequence[Bar], across: _Across, y: int) -> Box:
    since, until = group[0].since, max(bar.until for bar in group)
    x, width = across.span(since, until)
    lost = sum(bar.fate != "settled" for bar in group)
    text = f"{len(group)} attempts from {since:.2f} s to {until:.2f} s, {lost} of them not settled"
    kind = "lost" if lost else "settled"
    return Box(x, width, y, kind, f"{len(group)} attempts", text, since)


def _badge_levels(cited: Iterable[Cited], across: _Across, y: int) -> tuple[list[Badge], int]:
    """Place the badges from `y` on, one below the other where they would touch.

    Returns the badges and the number of levels.
    """
    ends = [-_NEAR] * _LEVELS
    badges, levels = [], 0
    for event in sorted(cited, key=lambda event: event.at):
        x = across(event.at)
        level = next((index for index, end in enumerate(ends) if x - end >= _NEAR), _LEVELS - 1)
        ends[level] = x
        levels = max(levels, level + 1)
        badges.append(
            Badge(event.number, x, y + level * _BADGE + _BADGE // 2, event.text, event.at)
        )
    return badges, levels


def _faults(line: Timeline, lanes: Sequence[Lane], across: _Across) -> Iterable[FaultMark]:
    for band in line.bands:
        x, width = across.span(band.since, band.until)
        confirmation = "seen to land" if band.confirmed else "NOT seen to land"
        text = f"fault {band.fault}, {confirmation}, from {band.since:.2f} s to {band.until:.2f} s"
        target = lanes[band.row] if band.row is not None and band.row < len(lanes) else None
        yield FaultMark(
            x,
            width,
            band.fault,
            text,
            band.since,
            target.y if target else None,
            target.height if target else 0,
            x > 50,
        )


def _ticks(end: float, across: _Across) -> Iterable[tuple[float, str]]:
    """Yield round moments, at most nine."""
    raw = end / 8
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    at = 0.0
    while at <= end * 0.97:
        yield across(at), f"{at:g} s"
        at = round(at + step, 6)
