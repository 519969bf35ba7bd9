"""Figures that the fault-free run showed about a worker, and the bounds that follow."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import msgspec

from harness.history import Bounds, Figures
from harness.patterns.base import Capabilities
from harness.patterns.command_roles import Roles

#: Seconds on top of what was measured: machines with two cores are slow at times.
_MARGIN = 10.0
#: Seconds for a pod to start where no start was seen.
_ASSUMED_POD_START = 10.0
#: Seconds to watch a worker without work, unless the user sets them: at least, in leases, at most.
_SHORTEST_WATCH, _WATCH_LEASES, _LONGEST_WATCH = 20.0, 2.5, 30.0
#: The first pause of the Job controller (and of the kubelet) after a failure, in seconds.
BACK_OFF = 10.0
#: The least seconds between two items that the harness adds to the queue.
ITEM_INTERVAL = 0.6
#: Bounds of the fault-free run itself, in seconds: nothing is known about the worker yet.
#: `end` counts from the last item.
CALIBRATION_BOUNDS = Bounds(reclaim=60.0, progress=45.0, end=120.0)


#: The harness waits for the end of a lease that is no longer than this, in seconds, or than this
#: many times the longest work on an item.
_LONGEST_LEASE, _LEASE_TO_WORK = 120.0, 30.0
#: Seconds to wait for the next delivery where no lease was seen, or one that is too long.
_WAIT_WITHOUT_LEASE = 60.0
#: Seconds that an idle worker may pause before it checks the queue, or the leases, again.
PAUSE = 60.0
#: Seconds of work on an item where no work was seen.
_ASSUMED_WORK = 30.0
#: Seconds until the end of a Job that did not end in the fault-free run either.
_UNENDED_JOB = 20.0


class Calibration(msgspec.Struct, frozen=True):
    """A worker's own figures, and how it uses its broker's commands."""

    figures: Figures = Figures()
    #: For Redis; in RabbitMQ the protocol itself shows the role of each command.
    roles: Roles | None = None
    #: Whether it ever reported an item as done, by a message of its own.
    settles: bool = True
    #: Whether the Job ended.
    ended: bool = True
    #: The form of its start lines, where these match no built-in phrase.
    begins: str = ""

    @property
    def ceiling(self) -> float:
        """The longest lease whose end the harness waits for, in seconds."""
        return max(_LONGEST_LEASE, _LEASE_TO_WORK * (self.figures.most_work or 0.0))

    @property
    def lease(self) -> float | None:
        """Seconds to wait for a lease to end; None where no lease was seen."""
        lease = self.figures.lease
        return _WAIT_WITHOUT_LEASE if lease is not None and lease > self.ceiling else lease

    def bounds(
        self,
        capabilities: Capabilities,
        items: int,
        parallelism: int,
        factor: float = 1.0,
        completions: int | None = None,
    ) -> Bounds:
        """Return the bounds, in seconds, for a run; a bound with an unknown term is None.

        Args:
            capabilities: The pattern's; they decide whether items are leased.
            items: How many items the run has.
            parallelism: How many pods run at once.
            factor: Multiplies every bound, for slow machines.
            completions: How many pods have to start in all, where a pod takes several items.
        """
        longest_work = self.figures.most_work
        work = _ASSUMED_WORK if longest_work is None else longest_work
        usual_work = work if self.figures.work is None else self.figures.work
        start = self.figures.pod_start or _ASSUMED_POD_START
        has_leases, pickup = capabilities.has_leases, 2 * work + start + _MARGIN
        if has_leases:
            reclaim = (_WAIT_WITHOUT_LEASE if self.lease is None else self.lease) + pickup
        else:  # the broker redelivers at once, but a worker has to start for it
            reclaim = BACK_OFF + 2 * start + work + _MARGIN
        rounds = items if has_leases else ceil(items / parallelism)
        # The slowest item costs its longest work once, and once more after a loss.
        end = reclaim + BACK_OFF + rounds * usual_work + 2 * (work - usual_work) + _MARGIN
        end += (ceil((completions or 1) / parallelism) if has_leases else rounds) * start
        if not self.ended:
            end = min(end, _UNENDED_JOB)
        bounded = not has_leases or self.lease is not None
        return Bounds(
            reclaim=round(factor * reclaim, 1) if bounded else None,
            progress=round(factor * (self._pace(work) + _MARGIN), 1),
            end=round(factor * end, 1),
            pickup=round(factor * (pickup + PAUSE), 1) if has_leases else None,
            lease=round(factor * self.ceiling, 1) if has_leases else None,
        )

    def _pace(self, work: float) -> float:
        """Return the most seconds of worker time that an item takes."""
        paces = self.figures.longest_pace, self.figures.pace
        return min(work, next((pace for pace in paces if pace is not None), work))

    @property
    def watch(self) -> float:
        """Seconds to watch whether a worker without work exits too early."""
        return min(
            _LONGEST_WATCH, max(_SHORTEST_WATCH, _WATCH_LEASES * (self.figures.lease or 0.0))
        )

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> Calibration:
        return msgspec.json.decode(path.read_bytes(), type=cls)
