"""Runs in the pods: works through a queue, and says how long it waited for the broker.

Environment: PROTOCOL (redis or amqp), HOST, PORT, RATE (items per second; 0: as fast as it can).
It waits for a word in the queue `go`, then takes items from `work` until there are none. The last
line that it prints is JSON: `begin` and `end` (seconds since 1970), `items`, and `waits`, the
microseconds of each wait for the broker.
"""

import json
import os
import time

import pika
import redis

HOST, PORT, RATE = os.environ["HOST"], int(os.environ["PORT"]), float(os.environ["RATE"])


class Stopwatch:
    """Measures each wait for the broker."""

    def __init__(self):
        self.waits = []

    def __call__(self, ask, *args, **options):
        begin = time.perf_counter()
        answer = ask(*args, **options)
        self.waits.append(round((time.perf_counter() - begin) * 1_000_000))
        return answer


class Redis:
    """As the task page's worker: claim, lease, done, lease over."""

    def __init__(self):
        self._redis = redis.Redis(HOST, PORT)

    def wait_for_go(self):
        self._redis.blpop("go", timeout=300)

    def item(self, timed):
        item = timed(self._redis.rpoplpush, "work", "work:processing")
        if item is None:
            return False
        timed(self._redis.set, b"lease:" + item, "me", ex=10)
        timed(self._redis.lrem, "work:processing", 0, item)
        timed(self._redis.delete, b"lease:" + item)
        return True


class Amqp:
    """One message at a time, acknowledged when it is done."""

    def __init__(self):
        self._channel = pika.BlockingConnection(pika.ConnectionParameters(HOST, PORT)).channel()
        self._channel.basic_qos(prefetch_count=1)
        self._messages = self._tag = None

    def wait_for_go(self):
        for method, _, _ in self._channel.consume("go", inactivity_timeout=300):
            self._channel.basic_ack(method.delivery_tag)
            break
        self._channel.cancel()
        self._messages = self._channel.consume("work", inactivity_timeout=2)

    def item(self, timed):
        method = timed(self._next)
        if method is None:
            timed.waits.pop()  # that was the wait for nothing
            return False
        self._tag = method.delivery_tag
        return True

    def _next(self):
        """From the ack of one to the delivery of the next."""
        if self._tag is not None:
            self._channel.basic_ack(self._tag)
        return next(self._messages)[0]


def main():
    work = Redis() if os.environ["PROTOCOL"] == "redis" else Amqp()
    print("ready", flush=True)
    work.wait_for_go()
    timed, items = Stopwatch(), 0
    begin = end = time.time()
    while work.item(timed):
        end = time.time()
        items += 1
        if RATE:
            time.sleep(max(0, begin + items / RATE - end))  # noqa: TID251  # this is its work
    print(json.dumps({"begin": begin, "end": end, "items": items, "waits": timed.waits}))


if __name__ == "__main__":
    main()
