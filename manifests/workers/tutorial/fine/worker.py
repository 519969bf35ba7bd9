"""The task page's worker: takes items until the queue is empty, then exits with success."""

import os
import time

import rediswq
from redis import Redis

LEASE_SECONDS = 10
BLOCK_SECONDS = 2

# REDIS_HOST: for pods without cluster DNS, where the page says to use $REDIS_SERVICE_HOST
host = os.environ.get("REDIS_HOST", "redis")
item_seconds = float(os.environ.get("ITEM_SECONDS", "10"))

queue = rediswq.WorkQueue(Redis(host), "job2")
print(f"Worker with sessionID: {queue.session}")
print(f"Initial queue state: empty={queue.empty()}")
while not queue.empty():
    item = queue.lease(LEASE_SECONDS, BLOCK_SECONDS)
    if item is None:
        print("Waiting for work")
        continue
    print(f"Working on {item.decode()}")
    time.sleep(item_seconds)
    queue.complete(item)
print("Queue empty, exiting")
