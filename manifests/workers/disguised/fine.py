"""Works off a Redis list: rightly, or with the defect DEFECT; see disguise.py."""

import os
import time

import redis
from disguise import (
    ENDLESS,
    FAILING,
    LEASE,
    LONG,
    LOOK,
    NAME,
    PART,
    POLL,
    WRONG,
    begins,
    ends,
    leave,
    lines,
    other,
    seconds_for,
)
from leases import Claim, Leases, Transactions

QUEUE = os.environ.get("QUEUE", "job2")
#: They have told Redis that the work is done when it fails.
_EARLY = ("pops", "settles first", "settles midway")


def connect():
    return redis.Redis("redis", socket_timeout=30)


def queue_of(client, lease):
    made = Transactions if LOOK.lease == "transactions" else Leases
    return made(
        client,
        QUEUE,
        NAME,
        lease,
        shape=LOOK.lease,
        dead=LOOK.dead,
        reclaims=WRONG != "never takes over",
    )


def works(reports, claim, seconds, stock):
    """The work, with the lease renewed as long as it lasts."""
    while seconds > 0:
        step = min(seconds, LEASE / 3)
        time.sleep(step)
        seconds -= step
        if seconds > 0 and WRONG not in ("pops", "settles first"):
            for held in (claim, *stock):
                reports.renew(held)


def attempt(client, reports, claim, stock):
    item = claim.item
    if WRONG == "skips what comes again" and claim.attempt > 1:
        reports.settle(claim)
        return
    if WRONG == "marks before the work" and not client.set(b"seen:" + item, 1, nx=True):
        reports.settle(claim)
        return
    shown = other(item) if WRONG == "works on another" else item
    begins(shown)
    if WRONG == "settles first":
        reports.settle(claim)
    whole = seconds_for(item)
    if WRONG == "settles midway":
        works(reports, claim, whole * PART, stock)
        reports.settle(claim)
        whole *= 1 - PART
    works(reports, claim, whole, stock)
    if FAILING and item == FAILING:
        fails(reports, claim)
        return
    ends(shown)
    if WRONG not in (*_EARLY, "never settles"):
        reports.settle(claim)


def fails(reports, claim):
    if WRONG == "swallows" or (WRONG == "drops the third failure" and claim.attempt >= 3):
        reports.settle(claim)
        return
    if WRONG == "hides failures":
        leave(0)
    if WRONG in _EARLY:
        leave(1)
    if LOOK.dead and WRONG != "drops the third failure":
        reports.bury(claim)
        return
    reports.give_back(claim)
    leave(1)


def claims(client, queue, stock):
    if WRONG == "pops":
        item = client.lpop(QUEUE)
        return None if item is None else Claim(item, b"", 1)
    first = queue.claim()
    while WRONG == "hoards" and first and len(stock) < 5:
        more = queue.claim()
        if more is None:
            break
        stock.append(more)
    return first


def main():
    client, stock = connect(), []
    lines(LOOK.banner)
    lease = {"endless leases": ENDLESS, "hoards": LONG}.get(WRONG, LEASE)
    queue = queue_of(client, int(lease))
    reports = queue_of(connect(), int(lease)) if LOOK.talk == "two connections" else queue
    if WRONG == "fabricates":
        begins(b"melon-of-nobody")
        ends(b"melon-of-nobody")
    while stock or not queue.empty(ready_only=WRONG in ("leaves early", "pops")):
        claim = stock.pop(0) if stock else claims(client, queue, stock)
        if claim is None:
            time.sleep(POLL)
            continue
        attempt(client, reports, claim, stock)
        if WRONG == "never settles":
            break
    while WRONG == "never exits":
        time.sleep(POLL)
    lines(LOOK.farewell)
    leave(0)


if __name__ == "__main__":
    main()
