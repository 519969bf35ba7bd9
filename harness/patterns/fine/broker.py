"""Redis, reached past the tap."""

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

#: A number of so many digits is more than a count.
_COUNT = 7


class RedisServer:
    """Redis past the tap."""

    def __init__(self, client: Redis) -> None:
        # Any: the client's answers are typed for its two natures, now and awaited, at once
        self._client: Any = client

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Nothing: Redis counts no attempts, so its workers have to."""

    def dead_letter_count(self, queue: str) -> int:
        """None: what is set aside here, a worker has set aside."""
        return 0

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """RPUSH, as on the task page; or XADD, all at once, for a group that begins with them."""
        if how.kind == "list":
            self._client.rpush(queue, *items)
            return
        # A worker may have made the group already; whatever else is wrong, XADD says, too.
        with contextlib.suppress(ResponseError):
            self._client.xgroup_create(queue, how.group, "0", mkstream=True)
        with self._client.pipeline(transaction=True) as all_at_once:
            for item in items:
                all_at_once.xadd(queue, {how.field: item})
            all_at_once.execute()

    def set_sentinel(self, key: str) -> None:
        """SET, after the last item."""
        self._client.set(key, 1)

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[list[ItemLeft], BrokerDepth]:
        """Look for the items in all keys: what is neither in the queue nor dead, is leased.

        A stream keeps what is done: there it is the group that says what is ready, or leased.
        What lies in other bytes counts by its place: where successes write it says nothing.
        """
        known, found = set(items), list[ItemLeft]()
        for key in sorted(self._client.scan_iter(count=1000)):
            place = key.decode(errors="backslashreplace")
            where: Literal["ready", "leased", "dead"] = "leased"
            if place == queue and self._client.type(key) == b"stream":
                found += self._in_group(queue, known, how.group)
                continue
            if place == queue:
                where = "ready"
            elif places and place in places.bodies:
                where = places.bodies[place]
            elif place in dead:
                where = "dead"
            expires = self._client.ttl(key) >= 0
            if where == "dead" and expires:
                continue  # nobody finds it there who looks later
            own = (*places.leased, *places.bodies) if places else ()
            held = place in (queue, *dead, *own)
            content = self._content(key, counts=not held)
            found += [ItemLeft(payload(one), place, where) for one in content if one in known]
            other = (
                "ready" if where == "ready" else (places or Places()).where(place, expires=expires)
            )
            if other is not None:
                rest = [one for one in content if one not in known]
                told = (one for each in rest for one in carried(each, known.difference(content)))
                found += [ItemLeft(payload(one), place, other) for one in told]
        counts = {where: sum(one.where == where for one in found) for where in ("ready", "leased")}
        return found, BrokerDepth(queue, counts["ready"], counts["leased"], final=True)

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """The keys that will be there for ever."""
        kept = (key for key in self._client.scan_iter(count=1000) if self._client.ttl(key) < 0)
        names = {key.decode(errors="backslashreplace") for key in kept}
        return tuple(sorted(names - {queue, *dead}))

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """Nothing: the tap has seen it, and knows what there was before."""
        return None

    def clear(self) -> None:
        """Forget all keys."""
        self._client.flushall()

    def _in_group(self, queue: str, known: set[bytes], group: str) -> Iterator[ItemLeft]:
        """What a stream's group has yet to be given, or to acknowledge."""
        redis = self._client
        groups = {one["name"].decode(): one for one in redis.xinfo_groups(queue)}
        ours = groups.get(group, {"last-delivered-id": b"0-0", "pending": 0})
        last, taken = _entry_id(ours["last-delivered-id"]), set[bytes]()
        if ours["pending"]:
            pending = redis.xpending_range(queue, group, "-", "+", ours["pending"])
            taken = {one["message_id"] for one in pending}
        for entry, fields in redis.xrange(queue):
            if entry in taken or _entry_id(entry) > last:
                where: Literal["ready", "leased"] = "leased" if entry in taken else "ready"
                told = (payload(one) for one in fields.values() if one in known)
                yield from (ItemLeft(one, queue, where) for one in told)

    def _content(self, key: bytes, *, counts: bool) -> list[bytes]:
        """All byte strings that a key holds.

        With `counts`, a small number beside a name in a hash counts something, as its attempts: it
        does not keep the item.
        """
        redis = self._client
        look: dict[str, Callable[[], Iterable[bytes]]] = {
            "list": lambda: redis.lrange(key, 0, -1),
            "hash": lambda: chain.from_iterable(
                (value,) if counts and value.isdigit() and len(value) < _COUNT else (field, value)
                for field, value in redis.hgetall(key).items()
            ),
            "set": lambda: redis.smembers(key),
            "zset": lambda: redis.zrange(key, 0, -1),
            "string": lambda: [redis.get(key) or b""],
            "stream": lambda: [
                word for _, fields in redis.xrange(key) for pair in fields.items() for word in pair
            ],
        }
        return list(look.get(redis.type(key).decode(), list)())


def _entry_id(entry: bytes) -> tuple[int, int]:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)
