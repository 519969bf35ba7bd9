"""Missed observations, and the end of the run."""

from __future__ import annotations

from harness.history.base import Record


class Gap(Record, frozen=True, tag="gap"):
    """An observer missed something: from here on, missing events prove nothing."""

    #: The observer, or its part.
    of: str
    why: str


class RunEnded(Record, frozen=True, tag="run_ended"):
    """The last event of a run that was not killed."""

    #: Reason of an early end; empty when the run was complete.
    why: str = ""
