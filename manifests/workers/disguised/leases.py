"""The ways in which workers keep leases in Redis: the same guarantees in other shapes.

Each change is one Lua script, made of a shape's functions; but for `Transactions`.
"""

import itertools
from typing import NamedTuple

import redis

#: After so many attempts that came to no end an item is set aside.
MOST = 3

HEAD = """
local queue, dead = KEYS[1], '%s'
local lease = tonumber(ARGV[1])
local call = redis.call
local function key(part) return queue .. ':' .. part end
local time = call('TIME')
local now = time[1] + time[2] / 1000000
local function tries(item) return tonumber(call('HGET', key('tries'), item) or 0) end
local function hex(text)
  return (text:gsub('.', function(c) return string.format('%%02x', c:byte()) end))
end
local function bury(item)
  if dead == 'json' then
    call('RPUSH', key('failed'), cjson.encode({error = 'it cannot be worked on', payload = item}))
  elseif dead == 'hash' then
    call('HSET', 'errors:' .. queue, hex(item), cjson.encode({item = item}))
  elseif dead == 'hex' then call('RPUSH', 'morgue', hex(item))
  else call('RPUSH', key('dead'), item) end
end
"""
TOKENS = """
local unit = 1
local leases, items, attempts = key('leases'), key('items'), key('attempts')
local function forget(token)
  call('ZREM', leases, token) call('HDEL', items, token) call('HDEL', attempts, token)
end
local function expired()
  for _, old in ipairs(call('ZRANGEBYSCORE', leases, '-inf', now * unit)) do
    local item, n = call('HGET', items, old), tonumber(call('HGET', attempts, old))
    forget(old)
    if n < MOST then return item, n end
    bury(item)
  end
end
local function take(token, item, n)
  call('ZADD', leases, (now + lease) * unit, token)
  call('HSET', items, token, item) call('HSET', attempts, token, n)
  return token
end
local function mine(held, item) return tonumber(call('ZSCORE', leases, held) or 0) > now * unit end
local function keep(held, item) call('ZADD', leases, (now + lease) * unit, held) end
local function drop(held, item) forget(held) end
local function free(held, item) call('ZADD', leases, now * unit, held) end
local function count() return call('LLEN', queue) + call('ZCARD', leases) end
"""
SCORED = """
local taken = key('taken')
local function expired()
  for _, held in ipairs(call('ZRANGEBYSCORE', taken, '-inf', now)) do
    local item, n = unwrap(held)
    call('ZREM', taken, held)
    if n < MOST then return item, n end
    bury(item)
  end
end
local function take(token, item, n)
  local held = wrap(token, item, n)
  call('ZADD', taken, now + lease, held)
  return held
end
local function mine(held, item) return tonumber(call('ZSCORE', taken, held) or 0) > now end
local function keep(held, item) call('ZADD', taken, now + lease, held) end
local function drop(held, item) call('ZREM', taken, held) call('HDEL', key('tries'), item) end
local function free(held, item) call('ZADD', taken, now, held) end
local function count() return call('LLEN', queue) + call('ZCARD', taken) end
"""
AS_IT_IS = """
local function wrap(token, item, n) call('HSET', key('tries'), item, n) return item end
local function unwrap(held) return held, tries(held) end
"""
ENVELOPES = """
local function wrap(token, item, n)
  return cjson.encode({id = token, attempts = n, data = item})
end
local function unwrap(held) local made = cjson.decode(held) return made.data, made.attempts end
"""
HEXADECIMAL = """
local function wrap(token, item, n)
  return cjson.encode({id = token, attempts = n, data = hex(item)})
end
local function unwrap(held)
  local made = cjson.decode(held)
  local item = made.data:gsub('..', function(c) return string.char(tonumber(c, 16)) end)
  return item, made.attempts
end
"""
PREFIXED = """
local function wrap(token, item, n) return token .. ':' .. n .. '|' .. item end
local function unwrap(held)
  local n, item = held:match('^[^|]*:(%d+)|(.*)$')
  return item, tonumber(n)
end
"""
# The end of each lease is a key's.
EXPIRING = """
local processing = key('processing')
local function lease_of(item) return key('lease:') .. hex(item) end
local function expired()
  for _, item in ipairs(call('LRANGE', processing, 0, -1)) do
    if call('EXISTS', lease_of(item)) == 0 then
      call('LREM', processing, 0, item)
      if tries(item) < MOST then return item, tries(item) end
      bury(item)
    end
  end
end
local function take(token, item, n)
  call('RPUSH', processing, item)
  call('SET', lease_of(item), token, 'EX', lease)
  call('HSET', key('tries'), item, n)
  return token
end
local function mine(held, item) return call('GET', lease_of(item)) == held end
local function keep(held, item) call('SET', lease_of(item), held, 'EX', lease) end
local function drop(held, item)
  call('LREM', processing, 0, item) call('DEL', lease_of(item)) call('HDEL', key('tries'), item)
end
local function free(held, item) call('DEL', lease_of(item)) end
local function count() return call('LLEN', queue) + call('LLEN', processing) end
"""
OWNED = """
local owned = key('owned')
local function says(at, token) return string.format('%.3f|', at) .. token end
local function expired()
  local all = call('HGETALL', owned)
  for place = 1, #all, 2 do
    local item = all[place]
    if tonumber(all[place + 1]:match('^[^|]*')) <= now then
      call('HDEL', owned, item)
      if tries(item) < MOST then return item, tries(item) end
      bury(item)
    end
  end
end
local function take(token, item, n)
  call('HSET', owned, item, says(now + lease, token)) call('HSET', key('tries'), item, n)
  return token
end
local function mine(held, item)
  local at, owner = (call('HGET', owned, item) or '0|'):match('^([^|]*)|(.*)$')
  return owner == held and tonumber(at) > now
end
local function keep(held, item) call('HSET', owned, item, says(now + lease, held)) end
local function drop(held, item) call('HDEL', owned, item) call('HDEL', key('tries'), item) end
local function free(held, item) call('HSET', owned, item, says(now, held)) end
local function count() return call('LLEN', queue) + call('HLEN', owned) end
"""
HEARTBEATS = """
local me = ARGV[5]
local its = key('of:') .. me
local function beat() call('SET', key('alive:') .. me, 1, 'EX', lease) end
local function expired()
  beat()
  for _, worker in ipairs(call('SMEMBERS', key('workers'))) do
    if worker ~= me and call('EXISTS', key('alive:') .. worker) == 0 then
      while true do
        local item = call('LPOP', key('of:') .. worker)
        if not item then break end
        if tries(item) < MOST then return item, tries(item) end
        bury(item)
      end
      call('SREM', key('workers'), worker)
    end
  end
end
local function take(token, item, n)
  call('SADD', key('workers'), me) call('RPUSH', its, item) call('HSET', key('tries'), item, n)
  beat()
  return item
end
local function mine(held, item)
  for _, one in ipairs(call('LRANGE', its, 0, -1)) do if one == item then return true end end
  return false
end
local function keep(held, item) beat() end
local function drop(held, item) call('LREM', its, 0, item) call('HDEL', key('tries'), item) end
local function free(held, item) call('LREM', its, 0, item) call('RPUSH', queue, item) end
local function count()
  local all = call('LLEN', queue)
  for _, worker in ipairs(call('SMEMBERS', key('workers'))) do
    all = all + call('LLEN', key('of:') .. worker)
  end
  return all
end
"""
CLAIM = """
local item, n
if ARGV[4] == 'yes' then item, n = expired() end
if not item then item, n = call('LPOP', queue), 0 end
if not item then return false end
local held = take(ARGV[2], item, n + 1)
"""
IF_MINE = """
local held, item = ARGV[2], ARGV[3]
if not mine(held, item) then return 0 end
"""
#: How each shape answers a claim: an envelope says all there is to say.
ANSWER, SELF_EVIDENT = "return {held, item, n + 1}", "return held"
SHAPES = {
    "tokens": TOKENS,
    "milliseconds": TOKENS.replace("unit = 1\n", "unit = 1000\n"),
    "scored": AS_IT_IS + SCORED,
    "envelopes": ENVELOPES + SCORED,
    "hexadecimal": HEXADECIMAL + SCORED,
    "prefixed": PREFIXED + SCORED,
    "expiring": EXPIRING,
    "owned": OWNED,
    "heartbeats": HEARTBEATS,
}


class Claim(NamedTuple):
    """An item in a worker's hands: `held` is what lies in Redis for it."""

    item: bytes
    held: bytes
    attempt: int


class Leases:
    """A queue whose every change is one script."""

    def __init__(self, client, name, me, lease, *, shape, dead, reclaims):
        self.client, self.name, self.me, self.lease = client, name, me, lease
        self._reclaims = "yes" if reclaims else "no"
        self._numbers = itertools.count(1)
        base = (HEAD % dead) + SHAPES[shape].replace("MOST", str(MOST))

        def made(body):
            return client.register_script(base + body)

        self._claim = made(CLAIM + ANSWER)
        self._keep = made(IF_MINE + "keep(held, item) return 1")
        self._drop = made(IF_MINE + "drop(held, item) return 1")
        self._free = made(IF_MINE + "free(held, item) return 1")
        self._bury = made(IF_MINE + "drop(held, item) bury(item) return 1")
        self._count = made("return count()")

    def claim(self):
        token = f"{self.me}:{next(self._numbers)}"
        got = self._run(self._claim, token, "", self._reclaims)
        return None if got is None else Claim(got[1], got[0], int(got[2]))

    def renew(self, claim):
        return self._mine(self._keep, claim)

    def settle(self, claim):
        return self._mine(self._drop, claim)

    def give_back(self, claim):
        return self._mine(self._free, claim)

    def bury(self, claim):
        return self._mine(self._bury, claim)

    def empty(self, *, ready_only=False):
        if ready_only:
            return self.client.llen(self.name) == 0
        return self._run(self._count) == 0

    def _mine(self, script, claim):
        return self._run(script, claim.held, claim.item) == 1

    def _run(self, script, *args):
        rest = [*args, *[""] * (3 - len(args))]
        return script([self.name], [self.lease, *rest, self.me])


class Transactions:
    """Tokens without scripts: each change is a transaction."""

    def __init__(self, client, name, me, lease, *, reclaims, **_):
        self.client, self.name, self.me, self.lease = client, name, me, lease
        self._reclaims, self._numbers = reclaims, itertools.count(1)
        self._leases, self._items, self._attempts, self._dead = (
            f"{name}:{part}" for part in ("leases", "items", "attempts", "dead")
        )

    def claim(self):
        token = f"{self.me}:{next(self._numbers)}"
        with self.client.pipeline(transaction=True) as pipe:
            try:
                return self._take(pipe, token)
            except redis.WatchError:
                return None

    def _take(self, pipe, token):
        pipe.watch(self.name, self._leases)
        now = self._now()
        old = pipe.zrangebyscore(self._leases, "-inf", now) if self._reclaims else []
        if old:
            item, attempt = pipe.hget(self._items, old[0]), int(pipe.hget(self._attempts, old[0]))
        else:
            item, attempt = pipe.lindex(self.name, 0), 0
        if item is None:
            return None
        pipe.multi()
        if old:
            self._forget(pipe, old[0])
        else:
            pipe.lpop(self.name)
        if attempt >= MOST:
            pipe.rpush(self._dead, item)
            pipe.execute()
            return None
        pipe.zadd(self._leases, {token: now + self.lease})
        pipe.hset(self._items, token, item)
        pipe.hset(self._attempts, token, attempt + 1)
        pipe.execute()
        return Claim(item, token, attempt + 1)

    def renew(self, claim):
        return self._until(claim, self._now() + self.lease)

    def give_back(self, claim):
        return self._until(claim, self._now())

    def settle(self, claim):
        with self.client.pipeline(transaction=True) as pipe:
            pipe.watch(self._leases)
            if not self._lives(pipe, claim):
                return False
            pipe.multi()
            self._forget(pipe, claim.held)
            return bool(pipe.execute()[0])

    def empty(self, *, ready_only=False):
        if ready_only:
            return self.client.llen(self.name) == 0
        with self.client.pipeline(transaction=True) as pipe:
            return pipe.llen(self.name).zcard(self._leases).execute() == [0, 0]

    def _until(self, claim, at):
        with self.client.pipeline(transaction=True) as pipe:
            pipe.watch(self._leases)
            if not self._lives(pipe, claim):
                return False
            pipe.multi()
            pipe.zadd(self._leases, {claim.held: at})
            pipe.execute()
            return True

    def _lives(self, pipe, claim):
        return (pipe.zscore(self._leases, claim.held) or 0) > self._now()

    def _forget(self, pipe, token):
        pipe.zrem(self._leases, token)
        pipe.hdel(self._items, token)
        pipe.hdel(self._attempts, token)

    def _now(self):
        seconds, micro = self.client.time()
        return seconds + micro / 1e6
