"""What the news of a campaign come to, and how a person is shown it: live, or a line per step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.news import Begun, Items, News, Note, Over, Planned, Waiting
from harness.view import clean

#: Seconds before a wait is worth a line.
_LINGERS = 2.0
#: Seconds after which a wait that goes on, or is for the same again, is told once more.
_AGAIN = 30.0
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Going:
    """A scenario that is played at the moment."""

    items: Items | None = None
    waiting: Waiting | None = None
    since: datetime = _LONG_AGO

    def amounts(self) -> str:
        """How far its items are, in words."""
        if self.items is None:
            return "no items yet"
        one = self.items
        return (
            f"{one.done} of {one.seeded} items done, {one.leased} leased, {one.reclaimed} reclaimed"
        )


@dataclass
class Board:
    """Where a campaign stands."""

    planned: set[str] = field(default_factory=set)
    #: By scenario: why it did not come to its end; empty where it did.
    over: dict[str, str] = field(default_factory=dict)
    going: dict[str, Going] = field(default_factory=dict)

    def take(self, news: News, now: datetime) -> None:
        """Take in what was told at the moment `now`."""
        if isinstance(news, Planned):
            self.planned.update(news.scenarios)
        elif isinstance(news, Begun):
            self.going[news.scenario] = Going(since=now)
        elif isinstance(news, Over):
            self.going.pop(news.scenario, None)
            self.over[news.scenario] = news.why
        elif not isinstance(news, Note) and (going := self.going.get(news.scenario)):
            if isinstance(news, Items):
                going.items = news
            else:
                going.waiting, going.since = news if news.what else None, now

    def score(self) -> str:
        """How many scenarios are over, of how many."""
        total = len(self.planned | self.over.keys() | self.going.keys())
        broken = sum(bool(why) for why in self.over.values())
        rest = f", {broken} of them not to the end" if broken else ""
        return f"{len(self.over)} of {total} scenarios played{rest}"


class Show(Protocol):
    """A way to show it. `show` is called again and again, also when there is nothing new."""

    def show(self, some: Iterable[News], now: datetime) -> None: ...

    def close(self) -> None: ...


class Screen:
    """A picture that is drawn anew in its place; what is worth keeping is told above it."""

    def __init__(self, live: Live, note: Callable[[str], None]) -> None:
        self._live, self._note, self._board = live, note, Board()

    def show(self, some: Iterable[News], now: datetime) -> None:
        for news in some:
            self._board.take(news, now)
            if isinstance(news, Note):
                self._note(news.line)
            elif isinstance(news, Over):
                self._note(_ended(news))
            # Not before: until then others write, who do not know of a picture.
            elif isinstance(news, Begun) and not self._live.is_started:
                self._note("playing the scenarios")
                self._live.start()
        if self._live.is_started:
            self._live.update(picture(self._board, now), refresh=True)

    def close(self) -> None:
        """Take the picture away."""
        self._live.stop()


class Plain:
    """One line per step, for a log."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note, self._board = note, Board()
        #: By scenario: the wait that was told last, and when.
        self._told: dict[str, tuple[str, datetime]] = {}

    def show(self, some: Iterable[News], now: datetime) -> None:
        """Tell what is new, and what has been waited for long enough to be worth a line."""
        for news in some:
            self._board.take(news, now)
            if isinstance(news, Note):
                self._note(news.line)
            elif isinstance(news, Begun):
                self._note(f"{news.scenario} begins: {news.says}")
            elif isinstance(news, Over):
                self._note(f"{_ended(news)}. {self._board.score()}")
        for scenario, going in self._board.going.items():
            if going.waiting is not None and self._due(scenario, going, now):
                self._told[scenario] = (going.waiting.what, now)
                self._note(f"{scenario}: {going.amounts()}; waits for {_wait(going.waiting)}")

    def close(self) -> None:
        """Nothing is left on a screen."""

    def _due(self, scenario: str, going: Going, now: datetime) -> bool:
        assert going.waiting is not None
        what, at = self._told.get(scenario, ("", now))
        if what == going.waiting.what:
            return (now - at).total_seconds() >= _AGAIN
        return (now - going.since).total_seconds() >= _LINGERS


def picture(board: Board, now: datetime) -> Group:
    """The board as a terminal shows it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("scenario", no_wrap=True)
    for name in ("done", "leased", "reclaimed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("waits for", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("at most", justify="right", no_wrap=True)
    for scenario, going in board.going.items():
        one, waiting = going.items, going.waiting
        amounts = (
            ("", "", "")
            if one is None
            else (f"{one.done} of {one.seeded}", str(one.leased), str(one.reclaimed))
        )
        what = clean(waiting.what) if waiting else ""
        cells = (scenario, *amounts, what, _left(waiting, now))
        table.add_row(*(Text(cell) for cell in cells))
    head = Text(f"queuejob: {board.score()}", style="bold")
    return Group(head, table) if board.going else Group(head)


def _wait(waiting: Waiting) -> str:
    until = "" if waiting.until is None else f", until {waiting.until:%H:%M:%S} UTC at most"
    return f"{clean(waiting.what)}{until}"


def _left(waiting: Waiting | None, now: datetime) -> str:
    if waiting is None or waiting.until is None:
        return ""
    left = max(0.0, (waiting.until - now).total_seconds())
    return f"{waiting.until:%H:%M:%S} ({left:.0f} s)"


def _ended(over: Over) -> str:
    why = clean(over.why.strip().partition("\n")[0])
    return f"{over.scenario} is over{f', but not to its end: {why}' if why else ''}"
