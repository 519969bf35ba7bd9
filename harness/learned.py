"""What the fault-free run taught about a worker, and the bounds that follow from it."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import msgspec

from harness.history import Bounds, Figures
from harness.wire.roles import Roles

#: Seconds on top of what was measured: two-core machines have bad moments.
_MARGIN = 10.0
#: How long a pod may take to start where none was seen to start.
_POD_START = 10.0
#: The Job controller's (and the kubelet's) first pause after a failure, in seconds.
BACK_OFF = 10.0
#: Bounds of the fault-free run itself, in seconds: nothing is known about the worker yet.
#: `end` counts from the last item.
FIRST = Bounds(reclaim=60.0, progress=45.0, end=120.0)


class Learned(msgspec.Struct, frozen=True):
    """A worker's own figures, and how it talks to its broker."""

    figures: Figures = Figures()
    #: For Redis; RabbitMQ's wire says by itself what is what.
    roles: Roles | None = None
    #: Whether it ever reported an item as done, by a message of its own.
    settles: bool = True

    def bounds(
        self,
        pattern: str,
        items: int,
        parallelism: int,
        factor: float = 1.0,
        completions: int | None = None,
    ) -> Bounds:
        """By when things must have happened, for so many items; `factor` for slow machines.

        `completions` of a fine Job, where it has them: so many pods have to start, if not at once.
        """
        work = self.figures.work or 0.0
        start = self.figures.pod_start or _POD_START
        if pattern == "fine":
            reclaim = (self.figures.lease or 0.0) + 2 * work + start + _MARGIN
        else:  # the message comes back at once; somebody who takes it has to be started
            reclaim = BACK_OFF + 2 * start + work + _MARGIN
        pace = work if self.figures.pace is None else min(work, self.figures.pace)
        progress = pace + _MARGIN
        rounds = items if pattern == "fine" else ceil(items / parallelism)
        end = reclaim + BACK_OFF + rounds * work + _MARGIN
        end += (ceil((completions or 1) / parallelism) if pattern == "fine" else rounds) * start
        return Bounds(*(round(factor * one, 1) for one in (reclaim, progress, end)))

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> Learned:
        return msgspec.json.decode(path.read_bytes(), type=cls)
