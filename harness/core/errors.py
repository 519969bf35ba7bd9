"""Errors that a reader can act on: what was expected, what was seen, what to do.

Three things must never be mixed up: the user asked for something impossible (`UsageError`, exit
code 4), the environment prevented the observation (`InfrastructureError`, exit code 6), and a
worker broke a guarantee (a verdict, not an exception; exit code 1).
"""

from __future__ import annotations

#: Exit codes of the `queuejob` command and of the pytest plugin.
EXIT_OK = 0
EXIT_VIOLATED = 1
EXIT_INTERRUPTED = 2
EXIT_USAGE = 4
EXIT_NOT_PROVED = 6


class QueuejobError(Exception):
    """Base of all errors of this project; the process exits with `exit_code`."""

    exit_code = EXIT_NOT_PROVED

    def __init__(self, what: str, *, expected: str = "", seen: str = "", todo: str = "") -> None:
        self.what, self.expected, self.seen, self.todo = what, expected, seen, todo
        parts = (("expected", expected), ("saw", seen), ("to do", todo))
        lines = [what, *(f"  {name}: {text}" for name, text in parts if text)]
        super().__init__("\n".join(lines))


class UsageError(QueuejobError):
    """The requested thing does not exist or does not fit; nothing has been created."""

    exit_code = EXIT_USAGE


class InfrastructureError(QueuejobError):
    """Machine, daemon, cluster or broker failed: nothing is known about the worker."""


class NotProved(QueuejobError):
    """Nothing is known about a guarantee: the worker may keep it or break it."""


class CommandFailed(InfrastructureError):
    """A process exited with a code other than 0, or its program does not exist."""


class TimedOut(InfrastructureError):
    """An awaited condition did not hold within its time limit."""
