"""What the observers have missed, and the end of the run."""

from __future__ import annotations

from harness.history.base import Record


class Gap(Record, frozen=True, tag="gap"):
    """An observer has missed something: that it saw nothing means nothing from here on."""

    of: str
    why: str


class RunEnded(Record, frozen=True, tag="run_ended"):
    """The last event of a run that was not killed; `why` is empty when it went to its end."""

    why: str = ""
