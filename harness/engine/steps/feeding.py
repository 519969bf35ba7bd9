"""Give one worker item after item, so that another one has no work for a long time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.core.errors import TimedOut
from harness.engine import conditions
from harness.engine.calibration import ITEM_INTERVAL
from harness.engine.scenario import ScenarioContext, ScenarioNotApplicable
from harness.engine.steps.common import wait_out_kubelet_second, wait_until_elapsed
from harness.history import Event, ItemDelivered, ItemEnqueued, ItemSettled
from harness.tap.control.client import BreakpointHandle, RemoteHit

#: Seconds in which a worker without work sends a claim; otherwise the harness holds all of its
#: connections.
_CLAIM_SECONDS = 2.5
#: Seconds in which a worker that has reported its item takes the next one. The harness holds no
#: worker longer: to its client the broker would seem not to answer.
_TAKE_SECONDS = 1.0
#: Seconds before the end of its lease by which a held worker may report its item.
_LEASE_MARGIN = 0.7
#: Seconds for which the harness holds a report at most, and for which a worker must have waited at
#: least.
_LONGEST_PAUSE, _SHORTEST_IDLE = 4.0, 5.0
#: How many times as long as an idle worker is watched the whole feeding may take.
_WATCH_FACTOR = 3


class Feeding:
    """Keep one worker busy and all others without work. No worker loses an item by that.

    Just before the busy worker reports, the harness puts the next item into the queue. No other
    worker can take it: for that moment the harness holds each of them at its next claim. So the
    queue is never empty, and the harness holds nothing for long.
    """

    def __init__(self, context: ScenarioContext, caught: RemoteHit, trap: BreakpointHandle) -> None:
        """Start with the worker of `caught`, which has reached its first report at `trap`."""
        self._context, self._address, self._breakpoint = context, caught.address, trap
        self._first_event = len(context.recorder.events)
        #: Addresses of workers that were busy at some time. If one of them fails, a held connection
        #: may be the cause.
        self._fed = {caught.address}

    def until_waited(self, seconds: float) -> tuple[int, ...]:
        """Feed until another worker had no work for `seconds`, or has exited.

        Returns the ids of the events that show it, and leaves all held messages as they are then.
        Raises `ScenarioNotApplicable` if no worker waits for that long.
        """
        recording = self._context.recorder
        until = recording.elapsed() + _WATCH_FACTOR * seconds + self._context.bounds.progress
        while recording.elapsed() < until:
            if not self._feed_item(seconds):
                # The user gave no more items, so a longer wait is not possible.
                if self._longest_idle() >= _SHORTEST_IDLE:
                    return (recording.events[-1].id,)
                break
            evidence = self._wait_for_report(seconds, until)
            if evidence:
                return evidence
        raise ScenarioNotApplicable(
            "no worker was without work for long enough to see that it stays",
            expected=f"one that waits for {seconds:g} s while another has an item",
            seen=f"one that waited for {self._longest_idle():.0f} s",
            todo="say with --patience how long it is to be watched, or give it more items",
        )

    def end(self) -> None:
        """Clear all breakpoints, and release all workers."""
        self._context.clear_breakpoints()
        for address in {self._address, *self._fed, *self._idle_addresses()}:
            self._context.testbed.tap.release(address)

    # -- idle workers -------------------------------------------------------------------------

    def _idle_addresses(self) -> list[str]:
        """Return the addresses of the workers without work, the longest idle one first."""
        return [address for address, _ in sorted(self._idle_times(), key=lambda entry: -entry[1])]

    def _idle_times(self) -> Iterator[tuple[str, float]]:
        """Yield the address of each idle worker, and for how many seconds it has had no work."""
        context, events = self._context, self._context.recorder.events
        for worker in conditions.at_work(events):
            address = context.pod(worker).address
            if address and address != self._address:
                since = conditions.without_work(events, address, worker)
                if since is not None:
                    yield address, context.recorder.elapsed() - since

    def _longest_idle(self) -> float:
        """Return the seconds for which the longest idle worker has had no work."""
        return max((seconds for _, seconds in self._idle_times()), default=0.0)

    def _exit_of_idle_worker(self, events: Sequence[Event]) -> Event | None:
        """Return the exit of an idle worker, unless the harness may have caused it."""
        for event in events[self._first_event :]:
            worker = conditions.ended(event)
            address = self._context.pod(worker).address if worker else self._address
            if worker is None or address == self._address:
                continue
            if address in self._fed and getattr(event.what, "exit_code", None) != 0:
                continue
            if conditions.without_work(events, address, worker) is not None:
                return event
        return None

    # -- feeding ------------------------------------------------------------------------------

    def _pause_at_report(self, seconds: float) -> float:
        """Return the seconds to hold a report.

        Without that pause a quick worker would need very many items.
        """
        enqueued = sum(
            isinstance(event.what, ItemEnqueued) for event in self._context.recorder.events
        )
        items = max(0, len(self._context.items) - enqueued) + 1
        pause = max(ITEM_INTERVAL, (seconds - self._longest_idle()) / items)
        return min(
            _LONGEST_PAUSE, max(0.0, pause - (self._context.calibration.figures.pace or 0.0))
        )

    def _feed_item(self, seconds: float) -> bool:
        """Let the busy worker report and take the next item; False if there is no next item."""
        context, settling = self._context, self._context.points.settling
        if self._breakpoint.hit is not None:
            moment = self._moment_after(self._pause_at_report(seconds))
            wait_until_elapsed(context, "a moment at the report", moment, 2 * _LONGEST_PAUSE)
        claim_handle, held = self._hold_idle_workers()
        before = len(context.recorder.events)
        available = conditions.is_ready(context.recorder.events) or self._add_item(before)
        while available and (early_delivery := self._early_delivery(before)) is not None:
            if self._switch_to(early_delivery):
                self._release_others(claim_handle, held)
                return True
            before = len(context.recorder.events)
            available = self._add_item(before)
        next_handle = context.set_breakpoint(settling, self._address)
        context.resume(self._breakpoint)
        self._breakpoint = next_handle
        delivery = self._wait_for_delivery(before) if available else None
        self._release_others(claim_handle, held)
        if available and delivery is None:  # the first worker that claims gets it
            awaited = "somebody to take the next item"
            delivery = context.recorder.wait_or_none(
                awaited, self._next_delivery(before), context.bounds.progress
            )
        if delivery is not None:
            self._follow_item(delivery)
        return available

    def _release_others(self, asking: BreakpointHandle | None, held: Sequence[str]) -> None:
        """Resume the held claim, and release the held addresses."""
        if asking is not None:
            self._context.resume(asking)
        for address in held:
            self._context.testbed.tap.release(address)

    def _add_item(self, before: int) -> bool:
        """Enqueue the next item, and wait until that is recorded; False if there is none.

        The record has to come before that of the report.
        """
        if not self._context.add():
            return False
        next_delivery = self._next_delivery(before)

        def item_available(events: Sequence[Event]) -> bool | None:
            return True if conditions.is_ready(events) or next_delivery(events) else None

        self._context.recorder.wait_or_none(
            "the next item to be there", item_available, _TAKE_SECONDS
        )
        return True

    def _early_delivery(self, before: int) -> Event | None:
        """Return the delivery of the next item to a worker that became free meanwhile."""
        events = self._context.recorder.events
        delivery = self._next_delivery(before)(events)
        if delivery is None:
            return None
        address = conditions.address_of(events, getattr(delivery.what, "connection", 0))
        return delivery if address and address != self._address else None

    def _switch_to(self, given: Event) -> bool:
        """Make the worker that got the next item the busy one; False if it has reported it.

        The harness holds its report before it resumes the report of the other one. Otherwise both
        would find the queue empty at once.
        """
        context, connection = self._context, getattr(given.what, "connection", 0)
        address = conditions.address_of(context.recorder.events, connection)
        next_handle = context.set_breakpoint(context.points.settling, address)
        context.testbed.tap.sync()
        observations = (event.what for event in context.recorder.events if event.id > given.id)
        if next_handle.hit is None and any(
            isinstance(data, ItemSettled) and data.connection == connection for data in observations
        ):
            context.clear_breakpoints(next_handle)
            return False
        report, self._breakpoint, self._address = self._breakpoint, next_handle, address or ""
        self._fed.add(self._address)
        context.resume(report)
        return True

    def _hold_idle_workers(self) -> tuple[BreakpointHandle | None, list[str]]:
        """Hold the idle workers, the longest idle one at its claim.

        Redis might delay that claim. Returns the breakpoint of that claim, if the worker came to
        it, and the other held addresses.
        """
        context, addresses, claim_handle = self._context, self._idle_addresses(), None
        if addresses and context.points.claiming is not None:
            claim_handle = context.set_breakpoint(context.points.claiming, addresses[0])
            try:
                context.wait_for_hit(
                    claim_handle,
                    max(0.1, self._moment_after(_CLAIM_SECONDS) - context.recorder.elapsed()),
                )
            except TimedOut:
                context.clear_breakpoints(claim_handle)
                claim_handle = None
        held = addresses if claim_handle is None else addresses[1:]
        for address in held:
            context.testbed.tap.hold(address)
        return claim_handle, held

    def _moment_after(self, seconds: float) -> float:
        """Return the moment in `seconds` from now, but before the busy worker's lease ends."""
        recording = self._context.recorder
        until = conditions.leased_until(recording.events, self._address)
        moment = recording.elapsed() + seconds
        return moment if until is None else min(moment, until - _LEASE_MARGIN)

    def _next_delivery(self, before: int) -> conditions.Find:
        """Return a condition: the first delivery after the first `before` events."""

        def find(events: Sequence[Event]) -> Event | None:
            deliveries = (
                event for event in events[before:] if isinstance(event.what, ItemDelivered)
            )
            return next(deliveries, None)

        return find

    def _wait_for_delivery(self, before: int) -> Event | None:
        """Return the delivery of the next item, soon after a report.

        A report may consist of several commands.
        """
        context, next_delivery = self._context, self._next_delivery(before)
        recording, settling = context.recorder, context.points.settling
        until = recording.elapsed() + _TAKE_SECONDS

        def find(events: Sequence[Event]) -> bool | None:
            return True if next_delivery(events) or self._breakpoint.hit is not None else None

        while (remaining := until - recording.elapsed()) > 0:
            if not recording.wait_or_none("the next item to be taken", find, remaining):
                break
            context.testbed.tap.sync()  # a quick worker may be at its next report by now
            if delivery := next_delivery(recording.events):
                return delivery
            next_handle = context.set_breakpoint(settling, self._address)
            context.resume(self._breakpoint)
            self._breakpoint = next_handle
        return next_delivery(recording.events)

    def _follow_item(self, given: Event) -> None:
        """Make the worker that has the next item the busy one."""
        context, events = self._context, self._context.recorder.events
        address = conditions.address_of(events, getattr(given.what, "connection", 0))
        if address and address != self._address:
            context.clear_breakpoints(self._breakpoint)
            self._address = address
            self._fed.add(address)
            self._breakpoint = context.set_breakpoint(context.points.settling, address)

    def _wait_for_report(self, seconds: float, until: float) -> tuple[int, ...]:
        """Wait for the busy worker's next report.

        Returns the ids of the events that show that another worker has waited long enough; else
        none.
        """
        context = self._context

        def find(events: Sequence[Event]) -> tuple[int, ...] | None:
            if self._breakpoint.hit is not None:
                return ()
            if (left := self._exit_of_idle_worker(events)) is not None:
                return (left.id,)
            if any(idle_seconds >= seconds for _, idle_seconds in self._idle_times()):
                return (events[-1].id,)
            return None

        left = max(0.0, until - context.recorder.elapsed())
        evidence = context.recorder.wait_or_none("the next report", find, left) or ()
        exits = [
            event
            for event in context.recorder.events
            if event.id in evidence and conditions.ended(event)
        ]
        for exit_event in exits:
            # The kubelet reports whole seconds; an item is there for all of that second.
            wait_out_kubelet_second(context, exit_event)
        return evidence
