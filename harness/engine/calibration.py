"""What the fault-free run taught about a worker, and the bounds that follow from it."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import msgspec

from harness.history import Bounds, Figures
from harness.patterns.base import Capabilities
from harness.patterns.command_roles import Roles

#: Seconds on top of what was measured: two-core machines have bad moments.
_MARGIN = 10.0
#: How long a pod may take to start where none was seen to start.
_POD_START = 10.0
#: Seconds for which a worker without work is watched, unless its user says otherwise: at the least,
#: in leases, and at the most.
_WATCH, _LEASES, _LONGEST = 20.0, 2.5, 30.0
#: The Job controller's (and the kubelet's) first pause after a failure, in seconds.
BACK_OFF = 10.0
#: Seconds between two items that the harness adds to the queue, at least.
ITEM_INTERVAL = 0.6
#: Bounds of the fault-free run itself, in seconds: nothing is known about the worker yet.
#: `end` counts from the last item.
CALIBRATION_BOUNDS = Bounds(reclaim=60.0, progress=45.0, end=120.0)


#: A lease is waited for if it is no longer than this, in seconds, or than so many times the
#: longest work on an item.
_LEASE, _LEASE_TO_WORK = 120.0, 30.0
#: Seconds for which the next delivery is waited for where no lease was seen, or too long a one.
_INSTEAD = 60.0
#: Seconds that an idle worker may pause before it looks again, or between two looks at leases.
PAUSE = 60.0
#: Seconds of work on an item where none was seen to be done.
_WORK = 30.0
#: Seconds until the end of a Job that did not end in the fault-free run either.
_HUNG = 20.0


class Calibration(msgspec.Struct, frozen=True):
    """A worker's own figures, and how it talks to its broker."""

    figures: Figures = Figures()
    #: For Redis; RabbitMQ's wire says by itself what is what.
    roles: Roles | None = None
    #: Whether it ever reported an item as done, by a message of its own.
    settles: bool = True
    #: Whether the Job came to its end.
    ended: bool = True
    #: The form of the lines with which it says that it begins, where these are its own words.
    begins: str = ""

    @property
    def ceiling(self) -> float:
        """The longest lease whose end is waited for, in seconds."""
        return max(_LEASE, _LEASE_TO_WORK * (self.figures.most_work or 0.0))

    @property
    def lease(self) -> float | None:
        """Seconds that are waited for a lease to end; None where no lease was seen."""
        lease = self.figures.lease
        return _INSTEAD if lease is not None and lease > self.ceiling else lease

    def bounds(
        self,
        capabilities: Capabilities,
        items: int,
        parallelism: int,
        factor: float = 1.0,
        completions: int | None = None,
    ) -> Bounds:
        """By when things must have happened, for so many items; `factor` for slow machines.

        `completions`: so many pods have to start, if not at once, where a pod takes several items.
        A bound of which a term is not known is None.
        """
        known = self.figures.most_work
        work = _WORK if known is None else known
        usual = work if self.figures.work is None else self.figures.work
        start = self.figures.pod_start or _POD_START
        leased, free = capabilities.has_leases, 2 * work + start + _MARGIN
        if leased:
            reclaim = (_INSTEAD if self.lease is None else self.lease) + free
        else:  # the message comes back at once; somebody who takes it has to be started
            reclaim = BACK_OFF + 2 * start + work + _MARGIN
        rounds = items if leased else ceil(items / parallelism)
        # Each item may be the one that takes longest only once more after a loss.
        end = reclaim + BACK_OFF + rounds * usual + 2 * (work - usual) + _MARGIN
        end += (ceil((completions or 1) / parallelism) if leased else rounds) * start
        if not self.ended:
            end = min(end, _HUNG)
        bounded = not leased or self.lease is not None
        return Bounds(
            reclaim=round(factor * reclaim, 1) if bounded else None,
            progress=round(factor * (self._pace(work) + _MARGIN), 1),
            end=round(factor * end, 1),
            pickup=round(factor * (free + PAUSE), 1) if leased else None,
            lease=round(factor * self.ceiling, 1) if leased else None,
        )

    def _pace(self, work: float) -> float:
        """Seconds of its worker's time that an item takes at most."""
        known = self.figures.longest_pace, self.figures.pace
        return min(work, next((one for one in known if one is not None), work))

    @property
    def watch(self) -> float:
        """Seconds for which a worker that has nothing to do is watched for leaving too early."""
        return min(_LONGEST, max(_WATCH, _LEASES * (self.figures.lease or 0.0)))

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> Calibration:
        return msgspec.json.decode(path.read_bytes(), type=cls)
