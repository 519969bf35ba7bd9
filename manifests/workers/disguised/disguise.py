"""How a worker looks: DISGUISE (JSON, see suites/truth/disguises.py); what is wrong: DEFECT."""

import atexit
import json
import os
import queue
import sys
import threading
import time
from types import SimpleNamespace

LOOK = SimpleNamespace(**json.loads(os.environ["DISGUISE"]))
WRONG = os.environ.get("DEFECT", "")
FAILING = os.environb.get(b"FAIL_ITEM", b"")
#: Seconds: of a lease, for an item, between two looks.
LEASE, WORK, POLL = 6.0, 1.5, 0.5
#: Of a lease in the wrong unit, and of one that is to last for a whole stock.
ENDLESS, LONG = 3600.0, 60.0
#: Of the work, after which who reports too early does so.
PART = 0.4
#: How late lines are that go through a filter, in seconds.
LATE = 1.5
#: A restarted container of a pod goes by the same name, or by another.
NAME = os.environ["HOSTNAME"] + ("" if LOOK.same_name else f".{time.time_ns()}")

_began = {}
_buffer = []
_filter = queue.Queue()


def begins(item):
    _began[item] = time.monotonic()
    _says(LOOK.begins, item)


def ends(item):
    _says(LOOK.ends, item)


def lines(texts):
    for text in texts:
        _print(text)


def other(item):
    """Which item it says that it works on: of some, another one."""
    return b"other-" + item[::-1] if sum(item) % 3 == 0 else item


def seconds_for(item):
    if LOOK.work == "steady":
        return WORK
    return WORK * (6.0 if sum(item) % 4 == 0 else 0.5)


def leave(code):
    """End as a program does that has written its buffers."""
    sys.exit(code)


def _says(words, item):
    name = item.decode(errors="backslashreplace")
    seconds = time.monotonic() - _began.get(item, time.monotonic())
    if words:
        _print(words.format(item=name, quoted=json.dumps(name), seconds=seconds))


def _print(text):
    if LOOK.lines == "live":
        print(text, flush=True)
    elif LOOK.lines == "late":
        _filter.put((time.monotonic() + LATE, text))
    else:
        _buffer.append(text)


def _filters():
    while True:
        at, text = _filter.get()
        time.sleep(max(0.0, at - time.monotonic()))
        print(text, flush=True)
        _filter.task_done()


@atexit.register
def _last_words():
    for text in _buffer:
        print(text, flush=True)
    _filter.join()


threading.Thread(target=_filters, daemon=True).start()
time.sleep(LOOK.boot)
