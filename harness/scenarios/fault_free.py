"""Nothing happens to anybody: what the worker does by itself, and how fast."""

from __future__ import annotations

from collections.abc import Sequence

from harness import seen
from harness.history import Event
from harness.stage import Scenario, Stage

#: A worker that does the same again and again is done with after so many times the bound.
_ROUNDS = 4


def play(stage: Stage) -> None:
    """Start the Job, and let it end, for as long as something is done, but not for ever."""
    stage.start()
    stage.somebody_connects()
    going, until = True, stage.recording.moment() + _ROUNDS * stage.bounds.end
    while going and stage.recording.moment() < until:
        before = seen.progress()(stage.recording.events)

        def news(events: Sequence[Event], last: Event | None = before) -> bool | None:
            if stage.ended(events) is not None:
                return False
            return True if seen.progress()(events) is not last else None

        what = "the next item, or the end of the Job"
        going = stage.recording.wait_quietly(what, news, stage.bounds.end) or False


SCENARIO = Scenario(
    name="fault-free",
    says="two workers and nothing that disturbs them",
    proves={
        "fine": ("S1", "S2", "S3", "S9", "S12", "L2", "L3", "J1", "S4", "S6", "S7", "S10"),
        "coarse": ("S1", "S2", "S3", "S9", "S12", "S13", "L2", "L3", "S6", "S7"),
    },
    play=play,
)
