"""The work queue of ../fine/workqueue.py in a stream that a group of consumers reads.

Producers XGROUP CREATE the group `workers`, from 0, and XADD items as the field `item`:

    <name>        stream   what is not done; its group knows who has which entry, and since when
    <name>:dead   stream   set aside after too many attempts, for somebody to look at

A lease is time without a sign: who has an entry claims it anew before it has been idle for that
long, and one that has been idle for longer is anybody's. What is done is deleted: in a stream
without entries nothing waits to be delivered, and nobody has anything. Redis itself would let
anybody acknowledge anything, so reports are scripts, which look first whose the entry is.
"""

import itertools
import time
import uuid

import redis

#: Seconds for which a lost connection is tried again, then its error goes to the caller.
PATIENCE = 15
GROUP, FIELD = "workers", b"item"
#: Entries without a sign of life that are looked at, at once.
MANY = 10

BEGIN = """
local name, dead, group, entry = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local me, lease, most = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local pending = redis.call('XPENDING', name, group, entry, entry, 1)[1]
if not pending then return 0 end
local _, holder, idle, attempts = unpack(pending)
local function forget()
  redis.call('XACK', name, group, entry)
  redis.call('XDEL', name, entry)
end
"""
IF_LIVE = "if holder ~= me or idle >= lease then return 0 end\n"
RENEW = "redis.call('XCLAIM', name, group, me, 0, entry, 'JUSTID') return 1"
COMPLETE = "forget() return 1"
# To give an item back is to let its lease end now: JUSTID leaves the number of attempts as it is.
GIVE_BACK = "redis.call('XCLAIM', name, group, me, 0, entry, 'IDLE', lease, 'JUSTID') return 1"
BREAK_OFF = """
redis.call('XCLAIM', name, group, me, 0, entry, 'IDLE', lease, 'RETRYCOUNT', attempts - 1, 'JUSTID')
return 1
"""
SET_ASIDE = """
if idle < lease or attempts < most then return 0 end
redis.call('XADD', dead, '*', unpack(redis.call('XRANGE', name, entry, entry)[1][2]))
forget()
return 1
"""


class WorkQueue:
    """One session's view of the queue `name`, over a connected client (without decoding).

    All but `empty` and `claim` take a token, the entry's id; where the lease on it is over they do
    nothing, and return False.
    """

    def __init__(self, client, name, lease_seconds, max_attempts, marker=None):
        self.session = str(uuid.uuid4())
        self._client, self._name, self._marker = client, name, marker
        self._lease_ms, self._max_attempts = int(lease_seconds * 1000), max_attempts
        self._renew = client.register_script(BEGIN + IF_LIVE + RENEW)
        self._complete = client.register_script(BEGIN + IF_LIVE + COMPLETE)
        self._give_back = client.register_script(BEGIN + IF_LIVE + GIVE_BACK)
        self._break_off = client.register_script(BEGIN + IF_LIVE + BREAK_OFF)
        self._set_aside = client.register_script(BEGIN + SET_ASIDE)

    def empty(self):
        """Whether nothing is left to deliver and nobody has anything, at one and the same moment.

        With a marker: and the producer has set it before and after, so nothing was yet to come.
        """
        return self._all_sent() and self._nothing_there() and self._all_sent()

    def claim(self):
        """Take an item: its token and its bytes. None when there is none to take."""
        try:
            taken = self._patiently(self._expired) or self._patiently(self._undelivered)
        except redis.ResponseError as error:
            if str(error).startswith("NOGROUP"):
                return None  # the producer has yet to come
            raise
        if not taken:
            return None
        entry, fields = taken[0]
        return entry, fields[FIELD]

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

    def _all_sent(self):
        if self._marker is None:
            return True
        return self._patiently(lambda: self._client.exists(self._marker)) == 1

    def _nothing_there(self):
        return self._patiently(lambda: self._client.xlen(self._name)) == 0

    def _undelivered(self):
        streams = self._client.xreadgroup(GROUP, self.session, {self._name: ">"}, count=1)
        return list(itertools.chain.from_iterable(entries for _, entries in streams))

    def _expired(self):
        """The first of those without a sign of life; who was tried too often is set aside."""
        look, lease = self._client.xpending_range, self._lease_ms
        for one in look(self._name, GROUP, "-", "+", MANY, idle=lease):
            entry = one["message_id"]
            if one["times_delivered"] >= self._max_attempts:
                self._run(self._set_aside, entry)
                continue
            # Nothing, when another has been faster.
            taken = self._client.xclaim(self._name, GROUP, self.session, lease, [entry])
            if taken:
                return taken
        return []

    def _run(self, script, entry):
        keys = [self._name, f"{self._name}:dead"]
        words = [GROUP, entry, self.session, self._lease_ms, self._max_attempts]
        return self._patiently(lambda: script(keys, words))

    def _patiently(self, ask):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
