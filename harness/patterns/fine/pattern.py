"""Fine: a pod takes items from a list in Redis until nothing is left, then exits with success."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from harness.infra.kube import Manifest, Namespace
from harness.patterns.base import Capabilities, Points
from harness.patterns.command_roles import Roles
from harness.patterns.fine.broker import RedisServer
from harness.patterns.fine.interpreter.interpreter import RedisInterpreter
from harness.patterns.fine.interpreter.items.stream_group import Stream
from harness.patterns.interpreter import Interpreter
from harness.patterns.job_manifest import (
    JobOptions,
    broker_manifests,
    tapped_manifests,
    tutorial_job,
    with_workers,
)
from harness.patterns.seeding import SEEDS, Seeding
from harness.tap.points import Point, Signature, command, reply

_PORT = 6379

_PORT_BEHIND_TAP = 6380

#: What there is in the name of a worker, and not in that of a kind of keys.
_ID = re.compile(rb"\d|[0-9a-f]{6}")

#: How much of a key's content goes into `state`.
_SHOWN = 100

_CAPABILITIES = Capabilities(
    one_item_per_pod=False,
    has_leases=True,
    has_delivery_limit=False,
    answers_settlements=True,
    shows_enqueued_items=True,
    recognises_lost_queue=False,
    has_sentinel=True,
    has_queue_arguments=False,
    seeds=SEEDS,
)


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
    version_command: tuple[str, ...] = ("redis-server", "--version")
    capabilities: Capabilities = _CAPABILITIES
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

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start Redis with its tap, and the Service; returns when both take connections."""
        namespace.create(*tapped_manifests(self.name, image, tap))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    @contextlib.contextmanager
    def connect_past_tap(self, namespace: Namespace) -> Iterator[RedisServer]:
        """Redis, past the tap."""
        with (
            namespace.forward(self.broker_pod, _PORT_BEHIND_TAP) as port,
            Redis(host="127.0.0.1", port=port, socket_timeout=namespace.timeouts.api) as client,
        ):
            yield RedisServer(client)

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> Interpreter:
        """What reads the wire, with what was learned of the worker's commands so far."""
        group = how.group if how.kind == "stream" else ""
        return RedisInterpreter(queue, epoch, roles, Stream(how.field, group))

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

    def manifest(self, workers: JobOptions) -> Manifest:
        """The page's Job, run by `workers`."""
        return with_workers(tutorial_job(self.name), workers)

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
