"""Works on the items of a Redis list until the queue is empty, then exits with 0.

What it keeps, and careless workers break:

  - A worker that dies, hangs or is cut off loses its lease, and another takes its item over.
  - Work may take longer than a lease: it is renewed. Who was frozen past its end reports in vain.
  - Failed work and SIGTERM give the item back, and then the exit code is not 0. A failing item is
    set aside after MAX_ATTEMPTS; how many failures are too many is the Job's `backoffLimit`.
  - Exit code 0 says that nothing was ready and nobody had anything, at one and the same moment.

After a death an item is worked on once more: work must bear that. And to a worker, a Redis that
lost its data is an empty queue, as is one that is not filled yet: let it keep its data on disk, or
let the producer set the key SENTINEL after the last item.
"""

import hashlib
import os
import queue
import signal
import sys
import threading
import time

import redis
from workqueue import WorkQueue

LEASE_SECONDS = float(os.environ.get("LEASE_SECONDS", "10"))
ITEM_SECONDS = float(os.environ.get("ITEM_SECONDS", "10"))
MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
FAIL_ITEM = os.environb.get(b"FAIL_ITEM")
#: Whether it tells which bytes it works on, for those who watch it.
TELL_DIGEST = bool(os.environ.get("TELL_DIGEST"))
#: A key that the producer sets when it has sent all: only then can the queue be empty for good.
SENTINEL = os.environ.get("SENTINEL")
POLL_SECONDS = 1
#: What SIGTERM puts among the results of the work.
STOP = object()
STOPPED = 128 + signal.SIGTERM


def work(item):
    """The work on one item (bytes): yours goes here. It fails by raising."""
    if TELL_DIGEST:
        print(f"sha256 {hashlib.sha256(item).hexdigest()}")
    time.sleep(ITEM_SECONDS)
    if item == FAIL_ITEM:
        raise ValueError("this item cannot be worked on")


def attempt(todo, token, item, results):
    """Work on an item and report it as done; exits when that cannot be."""

    def run():
        try:
            work(item)
            results.put(None)
        except BaseException as error:
            results.put(error)

    name = item.decode(errors="backslashreplace")
    print(f"Working on {name}")
    # In a thread: whatever the work does, the lease is renewed and SIGTERM is heard.
    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            result = results.get(timeout=LEASE_SECONDS / 3)
            break
        except queue.Empty:
            if not todo.renew(token):
                # Others may have the item by now. Only the process's end surely ends the work.
                sys.exit(f"Lost the lease on {name}")
    if result is STOP:
        todo.break_off(token)
        sys.exit(STOPPED)
    if result is not None:
        todo.give_back(token)
        sys.exit(f"Failed {name}: {result!r}")
    # First, so that who watches can tell that the report came after the work.
    print(f"Done {name}")
    if not todo.complete(token):
        # Others may have it. (Or the report arrived, and the answer got lost.)
        print(f"Too late with {name}")


def drain(todo, results):
    """Take items until the queue is empty; `results` brings SIGTERM, too."""
    print(f"Worker with sessionID: {todo.session}")
    print(f"Initial queue state: empty={todo.empty()}")
    while not todo.empty():
        claimed = todo.claim()
        if claimed:
            attempt(todo, *claimed, results)
            continue
        print("Waiting for work")  # others have it, and may yet lose it
        try:
            results.get(timeout=POLL_SECONDS)
            sys.exit(STOPPED)
        except queue.Empty:
            continue
    print("Queue empty, exiting")


def main():
    """The program; its settings come from the environment."""
    sys.stdout.reconfigure(line_buffering=True)  # or the last lines die with the process
    results = queue.SimpleQueue()  # the only kind that a signal handler may put into
    signal.signal(signal.SIGTERM, lambda *_: results.put(STOP))
    client = redis.Redis(os.environ.get("REDIS_HOST", "redis"), socket_timeout=5)
    name = os.environ.get("QUEUE", "job2")
    try:
        drain(WorkQueue(client, name, LEASE_SECONDS, MAX_ATTEMPTS, SENTINEL), results)
    except redis.RedisError as error:
        sys.exit(f"Redis: {error}")


if __name__ == "__main__":
    main()
