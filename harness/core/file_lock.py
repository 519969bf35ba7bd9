"""One process at a time: a file lock that says what it waits for, and not for ever.

The kernel gives a lock back when its holder dies, however it dies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from harness.core.errors import TimedOut
from harness.core.progress import Notify


@contextlib.contextmanager
def exclusive(file: Path, what: str, *, timeout: float, tell: Notify) -> Iterator[None]:
    """Hold the lock `file` for the block; `timeout` (s) bounds the wait for another holder.

    Raises `TimedOut` when the other one does not end in time.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"waiting for another process: {what}")
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
