"""The work queue of ../fine/workqueue.py in lists and keys that expire, without a script.

Producers RPUSH items into the list `<name>`. What is taken is moved, and has a key for its lease:

    <name>                  list     ready
    <name>:processing       list     taken
    <name>:lease:<sha256>   string   the token of who has this item; it expires with the lease
    <name>:attempts         hash     sha256 -> how many times it was begun
    <name>:dead             list     set aside after too many attempts, for somebody to look at

A lease is known by its item's bytes, so of two equal items the second waits for the first. Each
change is one transaction: it happens as a whole, and not if what it was decided on has changed.
"""

import hashlib
import itertools
import time
import uuid

import redis

#: Seconds for which a lost connection is tried again, then its error goes to the caller.
PATIENCE = 15


class WorkQueue:
    """One session's view of the queue `name`, over a connected client (without decoding).

    All but `empty` and `claim` take a token; where its lease is over they do nothing, and return
    False.
    """

    def __init__(self, client, name, lease_seconds, max_attempts, marker=None):
        self.session = str(uuid.uuid4())
        self._client, self._name = client, name
        self._lease_ms, self._max_attempts = int(lease_seconds * 1000), max_attempts
        self._processing, self._attempts = f"{name}:processing", f"{name}:attempts"
        self._dead, self._marker = f"{name}:dead", marker
        self._tokens = (f"{self.session}:{number}" for number in itertools.count(1))
        self._items = {}

    def empty(self):
        """Whether nothing is ready and nobody has anything, at one and the same moment.

        With a marker: and the producer has set it before and after, so nothing was yet to come.
        """
        return self._all_sent() and self._nothing_there() and self._all_sent()

    def _all_sent(self):
        if self._marker is None:
            return True
        return self._patiently(lambda: self._client.exists(self._marker)) == 1

    def _nothing_there(self):
        both = self._client.pipeline(transaction=True)
        count = both.llen(self._name).llen(self._processing).execute
        return self._patiently(count) == [0, 0]

    def claim(self):
        """Take an item: its token and its bytes. None when there is none to take."""
        self._patiently(self._reclaim)
        token = next(self._tokens).encode()
        item = self._change(lambda pipe: self._claim(pipe, token))
        if item is None:
            return None
        self._items[token] = item
        return token, item

    def renew(self, token):
        """Let the lease last its full time from now."""
        return self._if_live(
            token, lambda pipe, item: pipe.pexpire(self._lease(item), self._lease_ms)
        )

    def complete(self, token):
        """Report that the work is done: the item leaves the queue."""

        def leave(pipe, item):
            pipe.lrem(self._processing, 1, item)
            pipe.delete(self._lease(item))
            pipe.hdel(self._attempts, _digest(item))

        return self._if_live(token, leave)

    def give_back(self, token):
        """Let others have the item: the attempt has failed."""
        # To give it back is to let its lease end now; it counts as an attempt.
        return self._if_live(token, lambda pipe, item: pipe.delete(self._lease(item)))

    def break_off(self, token):
        """Let others have the item: the attempt was not made, and does not count."""

        def stop(pipe, item):
            pipe.hincrby(self._attempts, _digest(item), -1)
            pipe.delete(self._lease(item))

        return self._if_live(token, stop)

    def _claim(self, pipe, token):
        pipe.watch(self._name)
        item = pipe.lindex(self._name, 0)
        if item is not None:
            lease = self._lease(item)
            pipe.watch(lease)
            if pipe.exists(lease):
                return None
        pipe.multi()
        # Also where there is nothing: so who watches can tell that somebody waits for work.
        pipe.lmove(self._name, self._processing, "LEFT", "RIGHT")
        if item is not None:
            pipe.set(lease, token, px=self._lease_ms)
            pipe.hincrby(self._attempts, _digest(item), 1)
        return pipe.execute()[0]

    def _reclaim(self):
        """Put back what has no lease any more, or set it aside."""
        for item in self._client.lrange(self._processing, 0, -1):
            if not self._client.exists(self._lease(item)):
                self._change(lambda pipe, item=item: self._put_back(pipe, item))

    def _put_back(self, pipe, item):
        # Once more: others do this, too.
        pipe.watch(self._processing, self._lease(item), self._attempts)
        if pipe.exists(self._lease(item)) or item not in pipe.lrange(self._processing, 0, -1):
            return
        over = int(pipe.hget(self._attempts, _digest(item)) or 0) >= self._max_attempts
        pipe.multi()
        pipe.lrem(self._processing, 1, item)
        if over:
            pipe.rpush(self._dead, item)
            pipe.hdel(self._attempts, _digest(item))
        else:
            pipe.lpush(self._name, item)
        pipe.execute()

    def _if_live(self, token, change):
        """Make a change if the lease of this token is still its own; whether that was so."""
        item = self._items[token]

        def decide(pipe):
            pipe.watch(self._lease(item))
            if pipe.get(self._lease(item)) != token:
                return False
            pipe.multi()
            change(pipe, item)
            pipe.execute()
            return True

        return self._change(decide)

    def _change(self, decide):
        """What `decide` comes to on a pipeline; again when others have changed what it has read."""

        def attempt():
            with self._client.pipeline(transaction=True) as pipe:
                while True:
                    try:
                        return decide(pipe)
                    except redis.WatchError:
                        continue

        return self._patiently(attempt)

    def _lease(self, item):
        return f"{self._name}:lease:{_digest(item)}"

    def _patiently(self, ask):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


def _digest(item):
    return hashlib.sha256(item).hexdigest()
