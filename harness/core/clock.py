"""Time: the only module that sleeps, and the single way to wait.

Every wait has a bound and a name. When it times out, the error names what it waited for and what it
saw last.
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
    """The condition of a probe does not hold yet; the message describes the present state."""


def monotonic() -> float:
    """Return seconds on a clock that never goes back; only differences are meaningful."""
    return time.monotonic()


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Sleep for `seconds`."""
    time.sleep(seconds)


def wait_until(
    what: str, probe: Callable[[], T], *, timeout: float, interval: float = 0.5, todo: str = ""
) -> T:
    """Call `probe` until it returns without raising `NotYet`, and return its result.

    Args:
        what: What the caller waits for, as the error names it.
        probe: Raises `NotYet` while the condition does not hold; other exceptions pass through.
        timeout: Seconds until this function gives up.
        interval: Seconds between two calls of `probe`.
        todo: What the reader of the error can do.

    Raises:
        TimedOut: The time is over; the error names `what` and the reason of the last `NotYet`.
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
