"""Time: the only module that sleeps, and the one way to wait.

Every wait has a bound and a name, and when it ends in vain the error says what was waited for
and what was seen last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from harness.core.errors import TimedOut

T = TypeVar("T")


class NotYet(Exception):
    """Raised by a probe: what was asked for is not there yet, and this is what is there."""


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean something."""
    return time.monotonic()


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Do nothing for `seconds`."""
    time.sleep(seconds)


def wait_until(
    what: str, probe: Callable[[], T], *, timeout: float, interval: float = 0.5, todo: str = ""
) -> T:
    """Call `probe` until it returns instead of raising `NotYet`; give back what it returned.

    `timeout` and `interval` are seconds. Raises `TimedOut` (which names `what`, and the reason
    of the last `NotYet`) when the time is over; any other exception passes through at once.
    """
    attempts = Retrying(
        retry=retry_if_exception_type(NotYet),
        stop=stop_after_delay(timeout),
        wait=wait_fixed(interval),
        sleep=sleep,
    )
    try:
        return attempts(probe)
    except RetryError as error:
        raise TimedOut(
            f"waited {timeout:g} s in vain for {what}",
            expected=what,
            seen=str(error.last_attempt.exception()),
            todo=todo,
        ) from None
