"""Fine: a pod takes items from a list in Redis until nothing is left, then exits with success."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from redis import Redis, ResponseError

from harness.history import BrokerBack, BrokerDepth, ItemLeft, payload
from harness.kube import Manifest, Namespace
from harness.patterns import (
    Places,
    Points,
    Workers,
    broker_manifests,
    page_job,
    tapped_manifests,
    with_workers,
)
from harness.tap.content import found as carried
from harness.tap.points import Point, Signature, command, reply
from harness.wire.reader import Reader
from harness.wire.redis_reader import RedisReader
from harness.wire.redis_streams import Stream
from harness.wire.roles import Roles
from harness.worker import Seeding

_PORT = 6379
_PORT_BEHIND_TAP = 6380
#: What there is in the name of a worker, and not in that of a kind of keys.
_ID = re.compile(rb"\d|[0-9a-f]{6}")
#: A number of so many digits is more than a count.
_COUNT = 7
#: How much of a key's content goes into `state`.
_SHOWN = 100


class RedisServer:
    """Redis past the tap."""

    def __init__(self, client: Redis) -> None:
        # Any: the client's answers are typed for its two natures, now and awaited, at once
        self._client: Any = client

    def limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Nothing: Redis counts no attempts, so its workers have to."""

    def set_aside(self, queue: str) -> int:
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

    def mark(self, key: str) -> None:
        """SET, after the last item."""
        self._client.set(key, 1)

    def left(
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

    def remains(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """The keys that will be there for ever."""
        kept = (key for key in self._client.scan_iter(count=1000) if self._client.ttl(key) < 0)
        names = {key.decode(errors="backslashreplace") for key in kept}
        return tuple(sorted(names - {queue, *dead}))

    def came_back(self, queue: str) -> BrokerBack | None:
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


@dataclass(frozen=True)
class Fine:
    """The fine task page: its names, and how to set it up in a namespace."""

    name: str = "fine"
    recipe: str = "redis"
    service: str = "redis"
    port: int = _PORT
    broker_pod: str = "redis-master"
    broker_container: str = "master"
    #: What its data lie in; it outlives the container, but not the pod.
    broker_volume: str = "redis-data"
    queue: str = "job2"
    #: Where the page's library keeps what somebody is working on, and who holds a lease.
    processing: str = "job2:processing"
    leases: str = "job2:leased_by_session:"
    #: Seconds after which a lease of the page's worker expires.
    lease_seconds: float = 10.0
    #: The page's worker knows its queue by itself.
    queue_env: str = ""
    job: str = "job-wq-2"
    items: tuple[str, ...] = (
        "apple",
        "banana",
        "cherry",
        "date",
        "fig",
        "grape",
        "lemon",
        "melon",
        "orange",
    )

    def deploy(self, namespace: Namespace, image: str) -> None:
        """Start Redis and its Service; returns when it takes connections."""
        namespace.create(*broker_manifests(self.name, image))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    def url_of(self, queue: str) -> str:
        """redis://…, as redis-py and others want it."""
        return f"redis://{self.service}:{self.port}/0"

    def deploy_tapped(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start Redis with its tap, and the Service; returns when both take connections."""
        namespace.create(*tapped_manifests(self.name, image, tap))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    @contextlib.contextmanager
    def behind_the_tap(self, namespace: Namespace) -> Iterator[RedisServer]:
        """Redis, past the tap."""
        with (
            namespace.forward(self.broker_pod, _PORT_BEHIND_TAP) as port,
            Redis(host="127.0.0.1", port=port, socket_timeout=namespace.timeouts.api) as client,
        ):
            yield RedisServer(client)

    def reader(self, queue: str, epoch: float, roles: Roles | None, how: Seeding) -> Reader:
        """What reads the wire, with what was learned of the worker's commands so far."""
        group = how.group if how.kind == "stream" else ""
        return RedisReader(queue, epoch, roles, Stream(how.field, group))

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points:
        """Where the commands have the roles that the fault-free run has shown."""
        roles = roles or Roles()
        claims, settles, asks, silent = (
            _for_each(some, roles)
            for some in (roles.claims, roles.settles, roles.asks, roles.silent)
        )
        # What cannot be read is known by that there is an answer.
        known = () if roles.guessed else tuple(items)
        given = Point(
            "before delivery",
            "client",
            "reply",
            # Whom a claim does not tell, the answer to the next question gives the item.
            signatures=tuple(dict.fromkeys((*claims, *roles.tells))),
            items=known,
            found=True,
            unnamed=() if roles.tells else silent,
        )
        claiming = command(signatures=claims) if claims else None
        counting = command(signatures=asks) if asks else None
        if not settles:
            return Points(given, None, None, claiming, counting)
        return Points(
            given,
            command(signatures=settles),
            # The answer says that it took effect: a script that is not there yet has none.
            reply(signatures=settles),
            claiming,
            counting,
        )

    def deployed(self, namespace: Namespace) -> bool:
        """Whether there is a broker to look at."""
        return any(pod.name == self.broker_pod for pod in namespace.pods())

    @contextlib.contextmanager
    def connect(self, namespace: Namespace) -> Iterator[Redis]:
        """A client from outside the cluster, over a forwarded port; values are text."""
        with (
            namespace.forward(self.broker_pod, _PORT) as port,
            Redis(
                host="127.0.0.1",
                port=port,
                decode_responses=True,
                socket_timeout=namespace.timeouts.api,
            ) as client,
        ):
            yield client

    def manifest(self, workers: Workers) -> Manifest:
        """The page's Job, run by `workers`."""
        return with_workers(page_job(self.name), workers)

    def state(self, namespace: Namespace) -> str:
        """All keys with type, length and content, for a reader."""
        with self.connect(namespace) as client:
            # Any: the client's answers are typed for its two natures, now and awaited, at once
            redis: Any = client
            lines = [_describe(redis, key) for key in sorted(redis.scan_iter())]
        return "\n".join(lines or ["no keys"])


def _for_each(known: tuple[Signature, ...], roles: Roles) -> tuple[Signature, ...]:
    """The signatures, of commands on a list that each worker has for itself one for all."""
    own: dict[str, list[bytes]] = {}
    for one in known:
        if one.key in roles.processing:
            own.setdefault(one.name, []).append(one.key)
    found: dict[Signature, None] = {}
    for one in known:
        keys = own.get(one.name, [])
        start = _beginning(keys)
        names = [key[len(start) :] for key in keys]
        each = one.key in keys and len(keys) > 1 and all(_ID.search(word) for word in names)
        found.setdefault(Signature(one.name, start + b"*") if each and start else one)
    return tuple(found)


def _beginning(keys: Sequence[bytes]) -> bytes:
    """How all of them begin."""
    first, last = min(keys, default=b""), max(keys, default=b"")
    differ = (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(differ, len(first))]


def _entry_id(entry: bytes) -> tuple[int, int]:
    stamp, _, number = entry.partition(b"-")
    return int(stamp), int(number or 0)


def _describe(redis: Any, key: str) -> str:
    kind, ttl = redis.type(key), redis.ttl(key)
    expiry = f", expires in {ttl} s" if ttl >= 0 else ""
    if kind == "list":
        return f"{key}: list of {redis.llen(key)}{expiry}: {redis.lrange(key, 0, _SHOWN - 1)}"
    if kind == "string":
        value = redis.get(key) or ""
        return f"{key}: string of {len(value)}{expiry}: {value[:_SHOWN]!r}"
    return f"{key}: {kind}{expiry}"


PATTERN = Fine()
