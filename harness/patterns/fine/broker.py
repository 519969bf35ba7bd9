"""Access to Redis past the tap."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal

from redis import Redis, ResponseError

from harness.history import BrokerBack, BrokerDepth, ItemLeft, payload
from harness.patterns.base import Places
from harness.patterns.seeding import Seeding
from harness.tap.content import found as carried

#: A number with at least so many digits is more than a count.
_COUNT_DIGITS = 7


class RedisServer:
    """Redis, reached past the tap."""

    def __init__(self, client: Redis) -> None:
        # Any: redis-py types its answers for its sync and its async client at once
        self._client: Any = client

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Do nothing: Redis counts no attempts, so its workers have to."""

    def dead_letter_count(self, queue: str) -> int:
        """Return 0: here only workers set items aside."""
        return 0

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Add items with RPUSH, as in the tutorial, or with XADD.

        XADD adds all items at once, for a group that begins with them.
        """
        if how.kind == "list":
            self._client.rpush(queue, *items)
            return
        # A worker may have made the group already; XADD reports any other error, too.
        with contextlib.suppress(ResponseError):
            self._client.xgroup_create(queue, how.group, "0", mkstream=True)
        with self._client.pipeline(transaction=True) as pipeline:
            for item in items:
                pipeline.xadd(queue, {how.field: item})
            pipeline.execute()

    def set_sentinel(self, key: str) -> None:
        """Set the sentinel key, after the last item."""
        self._client.set(key, 1)

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[list[ItemLeft], BrokerDepth]:
        """Search all keys for the items; one neither in the queue nor dead counts as leased.

        A stream keeps finished entries, so its group shows which items are ready or leased. An item
        in other bytes counts by its place: where successes write, it shows nothing.
        """
        known, remaining = set(items), list[ItemLeft]()
        for key in sorted(self._client.scan_iter(count=1000)):
            location = key.decode(errors="backslashreplace")
            where: Literal["ready", "leased", "dead"] = "leased"
            if location == queue and self._client.type(key) == b"stream":
                remaining += self._in_group(queue, known, how.group)
                continue
            if location == queue:
                where = "ready"
            elif places and location in places.bodies:
                where = places.bodies[location]
            elif location in dead:
                where = "dead"
            expires = self._client.ttl(key) >= 0
            if where == "dead" and expires:
                continue  # it is gone before a later inspection
            listed = (*places.leased, *places.bodies) if places else ()
            is_listed = location in (queue, *dead, *listed)
            content = self._content(key, counts=not is_listed)
            remaining += [
                ItemLeft(payload(entry), location, where) for entry in content if entry in known
            ]
            other_where = (
                "ready"
                if where == "ready"
                else (places or Places()).where(location, expires=expires)
            )
            if other_where is not None:
                others = [entry for entry in content if entry not in known]
                readable = (
                    entry for value in others for entry in carried(value, known.difference(content))
                )
                remaining += [ItemLeft(payload(entry), location, other_where) for entry in readable]
        counts = {
            where: sum(entry.where == where for entry in remaining) for where in ("ready", "leased")
        }
        return remaining, BrokerDepth(queue, counts["ready"], counts["leased"], final=True)

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """Return the keys that never expire, except the queue and `dead`."""
        kept = (key for key in self._client.scan_iter(count=1000) if self._client.ttl(key) < 0)
        names = {key.decode(errors="backslashreplace") for key in kept}
        return tuple(sorted(names - {queue, *dead}))

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """Return None: the tap saw the restart, and knows what there was before."""
        return None

    def clear(self) -> None:
        """Remove all keys."""
        self._client.flushall()

    def _in_group(self, queue: str, known: set[bytes], group: str) -> Iterator[ItemLeft]:
        """Yield the items that a stream's group has not received yet, or not acknowledged yet."""
        redis = self._client
        groups = {record["name"].decode(): record for record in redis.xinfo_groups(queue)}
        group_state = groups.get(group, {"last-delivered-id": b"0-0", "pending": 0})
        last, pending_ids = _parse_id(group_state["last-delivered-id"]), set[bytes]()
        if group_state["pending"]:
            pending = redis.xpending_range(queue, group, "-", "+", group_state["pending"])
            pending_ids = {record["message_id"] for record in pending}
        for entry, fields in redis.xrange(queue):
            if entry in pending_ids or _parse_id(entry) > last:
                where: Literal["ready", "leased"] = "leased" if entry in pending_ids else "ready"
                payloads = (payload(record) for record in fields.values() if record in known)
                yield from (ItemLeft(record, queue, where) for record in payloads)

    def _content(self, key: bytes, *, counts: bool) -> list[bytes]:
        """Return all byte strings that a key holds.

        With `counts`, a small number next to a name in a hash is a counter, such as of attempts,
        and does not keep the item.
        """
        redis = self._client
        readers: dict[str, Callable[[], Iterable[bytes]]] = {
            "list": lambda: redis.lrange(key, 0, -1),
            "hash": lambda: chain.from_iterable(
                (value,)
                if counts and value.isdigit() and len(value) < _COUNT_DIGITS
                else (field, value)
                for field, value in redis.hgetall(key).items()
            ),
            "set": lambda: redis.smembers(key),
            "zset": lambda: redis.zrange(key, 0, -1),
            "string": lambda: [redis.get(key) or b""],
            "stream": lambda: [
                word for _, fields in redis.xrange(key) for pair in fields.items() for word in pair
            ],
        }
        return list(readers.get(redis.type(key).decode(), list)())


def _parse_id(entry: bytes) -> tuple[int, int]:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)
