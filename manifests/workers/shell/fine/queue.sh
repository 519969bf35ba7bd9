#!/bin/bash
# The work queue of ../../reference/fine/workqueue.py, by redis-cli: the same keys and the same
# scripts, so that workers of both kinds can share a queue. What they are for is said there.

host=${REDIS_HOST:-redis}
queue=${QUEUE:-job2}
keys=("$queue" "$queue:leases" "$queue:items" "$queue:attempts" "$queue:dead")
lease_seconds=${LEASE_SECONDS:-10}
max_attempts=${MAX_ATTEMPTS:-3}
# Seconds for which Redis is asked again when it does not answer.
patience=15

session=$(</proc/sys/kernel/random/uuid)
number=0
# What was claimed last: its token and its bytes. A shell's variable holds all of them but NUL.
token=
item=

BEGIN="
local ready, leases, items, attempts, dead = unpack(KEYS)
local token, seconds, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function forget(one)
  redis.call('ZREM', leases, one)
  redis.call('HDEL', items, one)
  redis.call('HDEL', attempts, one)
end
"
# With its token, for redis-cli prints an empty item and none alike.
CLAIM="
if redis.call('ZSCORE', leases, token) then return {token, redis.call('HGET', items, token)} end
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
return {token, item}
"
IF_LIVE="if tonumber(redis.call('ZSCORE', leases, token) or 0) <= now then return 0 end
"
RENEW="$IF_LIVE redis.call('ZADD', leases, now + seconds, token) return 1"
COMPLETE="$IF_LIVE forget(token) return 1"
GIVE_BACK="$IF_LIVE redis.call('ZADD', leases, now, token) return 1"
BREAK_OFF="$IF_LIVE redis.call('HINCRBY', attempts, token, -1) redis.call('ZADD', leases, now, token) return 1"
LEFT="return redis.call('LLEN', ready) + redis.call('ZCARD', leases)"

# ask SCRIPT: print its answer, for what was claimed last; fail when Redis gives none for too long.
ask() {
    local answer end=$((SECONDS + patience))
    until answer=$(timeout 5 redis-cli -h "$host" -e EVAL "$BEGIN$1" 5 "${keys[@]}" \
        "$token" "$lease_seconds" "$max_attempts" && printf .); do
        if ((SECONDS >= end)); then
            echo "Redis: ${answer:-no answer}" >&2
            return 1
        fi
        sleep 0.5
    done
    printf %s "${answer%.}"
}

# claim: set token and item, or fail where there is none to take.
claim() {
    local answer
    token=$session:$((++number))
    # The dot, for the shell cuts line breaks off an answer's end.
    answer=$(ask "$CLAIM" && printf .) || exit 1
    [[ $answer == "$token"$'\n'* ]] || return 1
    item=${answer#*$'\n'}
    item=${item%$'\n'.}
}
