"""Where everything of a time line is drawn: across in per cent of the width, down in pixels.

So the drawing fits any width without being made anew, and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10

import msgspec

from harness.report.html.timeline import Bar, Row, Timeline

#: More bars than these are drawn as stretches in which a worker was busy.
MOST_BARS = 2000
#: More workers than these are not drawn.
MOST_ROWS = 80
#: Per cent of the width over which no stretch goes.
_STRETCH = 2.5
#: Items at once that are drawn one under the other.
_LANES = 4
_LABEL, _LANE, _GAP = 18, 24, 10
_TOP, _AXIS = 40, 22
#: Per cent below which nothing is narrower, and below which two badges stand one under the other.
_NARROW, _NEAR = 0.3, 3.0
_BADGE, _LEVELS = 18, 4


class Box(msgspec.Struct, frozen=True):
    """An attempt (or a stretch of many): where its worker had the item.

    Of work, of what came after the broker had forgotten the item, and of the lease: begin and
    width. `settled` is where it was settled.
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
    """A worker's part of the drawing; `life` is from where to where it was there."""

    y: int
    height: int
    middle: int
    label: str
    life: tuple[float, float]
    boxes: tuple[Box, ...]
    ending: Ending | None


class Harm(msgspec.Struct, frozen=True):
    """A fault, over all rows; `y` and `height` mark the row at which it was aimed."""

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
    """An event that a story tells: its number, its moment, the row that it belongs to."""

    number: int
    event: int
    at: float
    text: str
    row: int | None


class Drawing(msgspec.Struct, frozen=True):
    """All of it. `notes` say what was left out."""

    height: int
    lanes: tuple[Lane, ...]
    harms: tuple[Harm, ...]
    badges: tuple[Badge, ...]
    ticks: tuple[tuple[float, str], ...]
    over: tuple[float, str] | None
    notes: tuple[str, ...]

    @property
    def kinds(self) -> set[str]:
        """What there is to be explained in the key."""
        boxes = [box for lane in self.lanes for box in lane.boxes]
        found = {box.kind for box in boxes}
        found |= {"after"} if any(box.after for box in boxes) else set()
        found |= {"work"} if any(box.work for box in boxes) else set()
        found |= {"lease"} if any(box.lease for box in boxes) else set()
        return found | ({"fault"} if self.harms else set())


def draw(line: Timeline, cited: Sequence[Cited]) -> Drawing:
    """Lay out a time line with the events that its scenario's stories tell."""
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
    top = [one for one in cited if one.row is None or one.row >= MOST_ROWS]
    found, levels = _badges(top, across, y)
    badges += found
    y += levels * _BADGE
    for index, row in enumerate(line.rows[:MOST_ROWS]):
        lane = _lane(row, across, y, whole=bars <= MOST_BARS)
        bottom = y + lane.height
        found, levels = _badges([one for one in cited if one.row == index], across, bottom)
        badges += found
        lanes.append(msgspec.structs.replace(lane, height=lane.height + levels * _BADGE))
        y = bottom + levels * _BADGE + _GAP
    return Drawing(
        y + _AXIS,
        tuple(lanes),
        tuple(_harms(line, lanes, across)),
        tuple(badges),
        tuple(_ticks(line.end, across)),
        None if line.over is None else (across(line.over[0]), line.over[1]),
        tuple(notes),
    )


class _Across:
    """From seconds to per cent of the width; a little is left free at the right."""

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
            free = (n for n, end in enumerate(ends) if end <= bar.since)
            place = next(free, min(len(ends), _LANES - 1))
            until = max(bar.until, bar.work[1] if bar.work else 0.0)
            ends[place : place + 1] = [max([until, *ends[place : place + 1]])]
            boxes.append(_box(bar, across, y + _LABEL + place * _LANE))
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
    worked = bar.work is not None and across(bar.work[1]) > x + width
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
        across.span(bar.until, bar.work[1]) if bar.work and worked else None,
        None if bar.settled is None else across(bar.settled),
    )


def _stretches(row: Row, across: _Across, y: int) -> Iterable[Box]:
    """The bars of a row in few: those that nearly touch as one, up to a certain width."""
    end = 0.0
    group: list[Bar] = []
    for bar in sorted(row.bars, key=lambda one: one.since):
        x = across(bar.since)
        if group and (x - end > _NARROW or x - across(group[0].since) > _STRETCH):
            yield _stretch(group, across, y)
            group, end = [], 0.0
        group.append(bar)
        end = max(end, across(bar.until))
    if group:
        yield _stretch(group, across, y)


def _stretch(group: Sequence[Bar], across: _Across, y: int) -> Box:
    since, until = group[0].since, max(one.until for one in group)
    x, width = across.span(since, until)
    lost = sum(one.fate != "settled" for one in group)
    text = f"{len(group)} attempts from {since:.2f} s to {until:.2f} s, {lost} of them not settled"
    kind = "lost" if lost else "settled"
    return Box(x, width, y, kind, f"{len(group)} attempts", text, since)


def _badges(cited: Iterable[Cited], across: _Across, y: int) -> tuple[list[Badge], int]:
    """The badges from `y` on, one under the other where they would touch; how many levels."""
    ends = [-_NEAR] * _LEVELS
    found, levels = [], 0
    for one in sorted(cited, key=lambda one: one.at):
        x = across(one.at)
        level = next((n for n, end in enumerate(ends) if x - end >= _NEAR), _LEVELS - 1)
        ends[level] = x
        levels = max(levels, level + 1)
        found.append(Badge(one.number, x, y + level * _BADGE + _BADGE // 2, one.text, one.at))
    return found, levels


def _harms(line: Timeline, lanes: Sequence[Lane], across: _Across) -> Iterable[Harm]:
    for band in line.bands:
        x, width = across.span(band.since, band.until)
        seen = "seen to land" if band.confirmed else "NOT seen to land"
        text = f"fault {band.fault}, {seen}, from {band.since:.2f} s to {band.until:.2f} s"
        aimed = lanes[band.row] if band.row is not None and band.row < len(lanes) else None
        yield Harm(
            x,
            width,
            band.fault,
            text,
            band.since,
            aimed.y if aimed else None,
            aimed.height if aimed else 0,
            x > 50,
        )


def _ticks(end: float, across: _Across) -> Iterable[tuple[float, str]]:
    """Round moments, at most nine of them."""
    raw = end / 8
    power = 10.0 ** floor(log10(raw))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= raw)
    at = 0.0
    while at <= end * 0.97:
        yield across(at), f"{at:g} s"
        at = round(at + step, 6)
