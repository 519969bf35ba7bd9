"""One worker is given item after item, so that another has nothing to do for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.calibration import ITEM_INTERVAL
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second, wait_until_elapsed
from harness.history import Event, ItemDelivered, ItemEnqueued, ItemSettled
from harness.tap.control.client import BreakpointHandle, RemoteHit

#: Seconds in which a worker without work asks for some; else it is held wherever it is.
_ASKS = 2.5
#: Seconds in which a worker that has reported its item takes the next one. Nobody is held longer:
#: for its client that would be a broker that does not answer.
_TAKES = 1.0
#: Seconds before the end of its lease by which a worker that is held may report its item.
_SPARE = 0.7
#: Seconds for which a report waits at most, and for which somebody has to have waited.
_LONG, _LEAST = 4.0, 5.0
#: How many times as long as an idle worker is watched all this may take.
_TIMES = 3


class Feeding:
    """Keeps one worker busy and all others without work. Nobody's item is lost by that.

    Just before the busy one reports, the next item is put into the queue, where no other can take
    it: each of them is held at its next claim for that moment. So the queue is never empty, and
    nothing that is held is held for long.
    """

    def __init__(self, stage: ScenarioContext, caught: RemoteHit, trap: BreakpointHandle) -> None:
        """`caught` has come to its first report, in `trap`."""
        self._stage, self._address, self._trap = stage, caught.address, trap
        self._began = len(stage.recorder.events)
        #: Who was busy at some time. Where one of them fails, that may be for what was held.
        self._fed = {caught.address}

    def until_waited(self, seconds: float) -> tuple[int, ...]:
        """Go on until another was without work for so long, or has left; what shows it.

        Leaves all as it is then. Raises `ScenarioNotApplicable` where nobody waits for that long.
        """
        recording = self._stage.recorder
        until = recording.elapsed() + _TIMES * seconds + self._stage.bounds.progress
        while recording.elapsed() < until:
            if not self._feed(seconds):
                # There are no more items than its owner has given: so it was as long as could be.
                if self._longest() >= _LEAST:
                    return (recording.events[-1].id,)
                break
            found = self._next_report(seconds, until)
            if found:
                return found
        raise ScenarioNotApplicable(
            "no worker was without work for long enough to see that it stays",
            expected=f"one that waits for {seconds:g} s while another has an item",
            seen=f"one that waited for {self._longest():.0f} s",
            todo="say with --patience how long it is to be watched, or give it more items",
        )

    def end(self) -> None:
        """Let all go on."""
        self._stage.clear_breakpoints()
        for address in {self._address, *self._fed, *self._others()}:
            self._stage.testbed.tap.release(address)

    # -- who waits ----------------------------------------------------------------------------

    def _others(self) -> list[str]:
        """The addresses of those without work; who waits longest comes first."""
        return [address for address, _ in sorted(self._waits(), key=lambda one: -one[1])]

    def _waits(self) -> Iterator[tuple[str, float]]:
        """For how long each of the others has been without work."""
        stage, events = self._stage, self._stage.recorder.events
        for worker in conditions.at_work(events):
            address = stage.pod(worker).address
            if address and address != self._address:
                since = conditions.without_work(events, address, worker)
                if since is not None:
                    yield address, stage.recorder.elapsed() - since

    def _longest(self) -> float:
        return max((one for _, one in self._waits()), default=0.0)

    def _left(self, events: Sequence[Event]) -> Event | None:
        """The end of one that was without work, and not for what the harness did to it."""
        for event in events[self._began :]:
            worker = conditions.ended(event)
            address = self._stage.pod(worker).address if worker else self._address
            if worker is None or address == self._address:
                continue
            if address in self._fed and getattr(event.what, "exit_code", None) != 0:
                continue
            if conditions.without_work(events, address, worker) is not None:
                return event
        return None

    # -- feeding ------------------------------------------------------------------------------

    def _rest(self, seconds: float) -> float:
        """Seconds for which a report waits: a quick worker would need very many items."""
        there = sum(isinstance(one.what, ItemEnqueued) for one in self._stage.recorder.events)
        items = max(0, len(self._stage.items) - there) + 1
        each = max(ITEM_INTERVAL, (seconds - self._longest()) / items)
        return min(_LONG, max(0.0, each - (self._stage.calibration.figures.pace or 0.0)))

    def _feed(self, seconds: float) -> bool:
        """Let the busy one report and take the next item; False where there is none."""
        stage, settling = self._stage, self._stage.points.settling
        if self._trap.hit is not None:
            moment = self._moment(self._rest(seconds))
            wait_until_elapsed(stage, "a moment at the report", moment, 2 * _LONG)
        asking, held = self._hold_others()
        before = len(stage.recorder.events)
        there = conditions.is_ready(stage.recorder.events) or self._add(before)
        while there and (early := self._taken_early(before)) is not None:
            if self._hold_instead(early):
                self._let_go(asking, held)
                return True
            before = len(stage.recorder.events)
            there = self._add(before)
        following = stage.set_breakpoint(settling, self._address)
        stage.resume(self._trap)
        self._trap = following
        taken = self._taken(before) if there else None
        self._let_go(asking, held)
        if there and taken is None:  # it goes to whoever comes first
            what = "somebody to take the next item"
            taken = stage.recorder.wait_or_none(what, self._given(before), stage.bounds.progress)
        if taken is not None:
            self._follow(taken)
        return there

    def _let_go(self, asking: BreakpointHandle | None, held: Sequence[str]) -> None:
        if asking is not None:
            self._stage.resume(asking)
        for address in held:
            self._stage.testbed.tap.release(address)

    def _add(self, before: int) -> bool:
        """Put the next item there, and wait until that is recorded: before the report is."""
        if not self._stage.add():
            return False
        given = self._given(before)

        def there(events: Sequence[Event]) -> bool | None:
            return True if conditions.is_ready(events) or given(events) else None

        self._stage.recorder.wait_or_none("the next item to be there", there, _TAKES)
        return True

    def _taken_early(self, before: int) -> Event | None:
        """The delivery of the next item to a worker that became free meanwhile."""
        events = self._stage.recorder.events
        given = self._given(before)(events)
        if given is None:
            return None
        address = conditions.address_of(events, getattr(given.what, "connection", 0))
        return given if address and address != self._address else None

    def _hold_instead(self, given: Event) -> bool:
        """Make the worker that was given the next item the busy one; False where it has reported.

        Its report is held before the other's goes on: else both find the queue empty at once.
        """
        stage, connection = self._stage, getattr(given.what, "connection", 0)
        address = conditions.address_of(stage.recorder.events, connection)
        following = stage.set_breakpoint(stage.points.settling, address)
        stage.testbed.tap.sync()
        later = (event.what for event in stage.recorder.events if event.id > given.id)
        if following.hit is None and any(
            isinstance(what, ItemSettled) and what.connection == connection for what in later
        ):
            stage.clear_breakpoints(following)
            return False
        report, self._trap, self._address = self._trap, following, address or ""
        self._fed.add(self._address)
        stage.resume(report)
        return True

    def _hold_others(self) -> tuple[BreakpointHandle | None, list[str]]:
        """Hold the others: who has waited longest at its claim, which Redis might let wait."""
        stage, others, asking = self._stage, self._others(), None
        if others and stage.points.claiming is not None:
            asking = stage.set_breakpoint(stage.points.claiming, others[0])
            try:
                stage.wait_for_hit(asking, max(0.1, self._moment(_ASKS) - stage.recorder.elapsed()))
            except TimedOut:
                stage.clear_breakpoints(asking)
                asking = None
        held = others if asking is None else others[1:]
        for address in held:
            stage.testbed.tap.hold(address)
        return asking, held

    def _moment(self, seconds: float) -> float:
        """The moment so many seconds from now, but before the busy one's lease ends."""
        recording = self._stage.recorder
        until = conditions.leased_until(recording.events, self._address)
        moment = recording.elapsed() + seconds
        return moment if until is None else min(moment, until - _SPARE)

    def _given(self, before: int) -> conditions.Find:
        def find(events: Sequence[Event]) -> Event | None:
            given = (one for one in events[before:] if isinstance(one.what, ItemDelivered))
            return next(given, None)

        return find

    def _taken(self, before: int) -> Event | None:
        """The delivery of the next item, soon after a report, which may be of several commands."""
        stage, given = self._stage, self._given(before)
        recording, settling = stage.recorder, stage.points.settling
        until = recording.elapsed() + _TAKES

        def find(events: Sequence[Event]) -> bool | None:
            return True if given(events) or self._trap.hit is not None else None

        while (left := until - recording.elapsed()) > 0:
            if not recording.wait_or_none("the next item to be taken", find, left):
                break
            stage.testbed.tap.sync()  # a quick worker may be at its next report by now
            if found := given(recording.events):
                return found
            following = stage.set_breakpoint(settling, self._address)
            stage.resume(self._trap)
            self._trap = following
        return given(recording.events)

    def _follow(self, given: Event) -> None:
        """Whoever has the next item is the busy one from now on."""
        stage, events = self._stage, self._stage.recorder.events
        address = conditions.address_of(events, getattr(given.what, "connection", 0))
        if address and address != self._address:
            stage.clear_breakpoints(self._trap)
            self._address = address
            self._fed.add(address)
            self._trap = stage.set_breakpoint(stage.points.settling, address)

    def _next_report(self, seconds: float, until: float) -> tuple[int, ...]:
        """Wait for the busy one's next report; what shows that another has waited long enough."""
        stage = self._stage

        def find(events: Sequence[Event]) -> tuple[int, ...] | None:
            if self._trap.hit is not None:
                return ()
            if (left := self._left(events)) is not None:
                return (left.id,)
            if any(waited >= seconds for _, waited in self._waits()):
                return (events[-1].id,)
            return None

        left = max(0.0, until - stage.recorder.elapsed())
        found = stage.recorder.wait_or_none("the next report", find, left) or ()
        ends = [one for one in stage.recorder.events if one.id in found and conditions.ended(one)]
        for end in ends:
            # The kubelet says to the second when that was; something is there all that time.
            wait_out_kubelet_second(stage, end)
        return found
