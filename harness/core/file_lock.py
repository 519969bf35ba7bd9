"""One process at a time: a file lock that names what it waits for, with a time limit.

The kernel releases the lock when its holder dies for any reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from harness.core.errors import TimedOut
from harness.core.progress import Notify


@contextlib.contextmanager
def exclusive(file: Path, what: str, *, timeout: float, notify: Notify) -> Iterator[None]:
    """Hold the lock `file` while the block runs.

    Args:
        file: The lock file; its folder is created if needed.
        what: What the lock protects, for the progress line and the error.
        timeout: Seconds to wait for another holder.
        notify: Gets one progress line when another process holds the lock.

    Raises:
        TimedOut: The other holder does not release the lock in time.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            notify(f"waiting for another process: {what}")
            lock.acquire(timeout=timeout)
    except Timeout:
        raise TimedOut(
            f"waited {timeout:g} s in vain for another process: {what}",
            expected=f"the lock {file} to be given back",
            seen="it is still held",
            todo=f"see who holds it with `fuser {file}`, and end that process",
        ) from None
    try:
        yield
    finally:
        lock.release()
