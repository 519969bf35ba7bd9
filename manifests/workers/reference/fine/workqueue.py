"""A work queue in Redis with leases: renewed, taken over once they expire, void from then on.

Producers RPUSH items into the list `<name>`. A worker knows an item by a token, new for each
attempt, never by its bytes: two equal items are two. An item is in one place at any moment:

    <name>            list         ready
    <name>:leases     sorted set   taken: token -> end of the lease, on Redis' own clock
    <name>:items      hash         token -> the item's bytes
    <name>:attempts   hash         token -> how many times it was begun, this time included
    <name>:dead       list         set aside after too many attempts: somebody has to look at these

Each change is one Lua script: it happens as a whole or not at all, and no other comes between.
"""

import itertools
import time
import uuid

import redis

#: Seconds for which a lost connection is tried again, then its error goes to the caller.
PATIENCE = 15

BEGIN = """
local ready, leases, items, attempts, dead = unpack(KEYS)
local token, seconds, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function forget(one)
  redis.call('ZREM', leases, one)
  redis.call('HDEL', items, one)
  redis.call('HDEL', attempts, one)
end
"""
# What has expired comes first, or is set aside. The first line is for a client whose answer got
# lost: it asks again with the same token, and gets the same item.
CLAIM = """
if redis.call('ZSCORE', leases, token) then return redis.call('HGET', items, token) end
local item, attempt
for _, old in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
  item, attempt = redis.call('HGET', items, old), tonumber(redis.call('HGET', attempts, old))
  forget(old)
  if attempt < most then break end
  redis.call('RPUSH', dead, item)
  item = nil
end
if not item then item, attempt = redis.call('LPOP', ready), 0 end
if not item then return false end
redis.call('ZADD', leases, now + seconds, token)
redis.call('HSET', items, token, item)
redis.call('HSET', attempts, token, attempt + 1)
return item
"""
IF_LIVE = "if tonumber(redis.call('ZSCORE', leases, token) or 0) <= now then return 0 end\n"
RENEW = "redis.call('ZADD', leases, now + seconds, token) return 1"
COMPLETE = "forget(token) return 1"
# To give an item back is to let its lease end now.
GIVE_BACK = "redis.call('ZADD', leases, now, token) return 1"
NOT_COUNTED = "redis.call('HINCRBY', attempts, token, -1)\n"


class WorkQueue:
    """One session's view of the queue `name`, over a connected client (without decoding).

    All but `empty` and `claim` take a token; where its lease is over they do nothing, and return
    False.
    """

    def __init__(self, client, name, lease_seconds, max_attempts, marker=None):
        self.session = str(uuid.uuid4())
        self._client, self._rules = client, [lease_seconds, max_attempts]
        self._marker = marker
        self._keys = [name, *(f"{name}:{part}" for part in ("leases", "items", "attempts", "dead"))]
        self._tokens = (f"{self.session}:{number}" for number in itertools.count(1))
        self._claim = client.register_script(BEGIN + CLAIM)
        self._renew = client.register_script(BEGIN + IF_LIVE + RENEW)
        self._complete = client.register_script(BEGIN + IF_LIVE + COMPLETE)
        self._give_back = client.register_script(BEGIN + IF_LIVE + GIVE_BACK)
        self._break_off = client.register_script(BEGIN + IF_LIVE + NOT_COUNTED + GIVE_BACK)

    def empty(self):
        """Whether nothing is ready and nobody has anything, at one and the same moment.

        With a marker, which the producer leaves when it has sent all: and that was there before
        and after, or it may have been a Redis that knows of nothing.
        """
        return self._all_sent() and self._nothing_there() and self._all_sent()

    def claim(self):
        """Take an item: its token and its bytes. None when there is none to take."""
        token = next(self._tokens)
        item = self._run(self._claim, token)
        return None if item is None else (token, item)

    def renew(self, token):
        """Let the lease last its full time from now."""
        return self._run(self._renew, token) == 1

    def complete(self, token):
        """Report that the work is done: the item leaves the queue."""
        return self._run(self._complete, token) == 1

    def give_back(self, token):
        """Let others have the item: the attempt has failed."""
        return self._run(self._give_back, token) == 1

    def break_off(self, token):
        """Let others have the item: the attempt was not made, and does not count."""
        return self._run(self._break_off, token) == 1

    def _nothing_there(self):
        ready, leases = self._keys[:2]
        both = self._client.pipeline(transaction=True)
        return self._patiently(lambda: both.llen(ready).zcard(leases).execute()) == [0, 0]

    def _all_sent(self):
        if self._marker is None:
            return True
        return self._patiently(lambda: self._client.exists(self._marker)) == 1

    def _run(self, script, token):
        return self._patiently(lambda: script(self._keys, [token, *self._rules]))

    def _patiently(self, ask):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
