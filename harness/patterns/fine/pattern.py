"""Fine: a pod takes items from Redis until none is left, then exits with success."""

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

#: A part of a worker's name that does not occur in the name of a kind of keys.
_WORKER_ID = re.compile(rb"\d|[0-9a-f]{6}")

#: How much of a key's content goes into `state`: elements of a list, characters of a string.
_SHOWN = 100

#: The folder of this pattern in `manifests/patterns`.
_MANIFESTS = "fine"

_CAPABILITIES = Capabilities(
    judged_as="fine",
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
    """The fine tutorial: its names, and how to set it up in a namespace."""

    name: str = "fine"
    recipe: str = "redis"
    service: str = "redis"
    port: int = _PORT
    broker_pod: str = "redis-master"
    broker_container: str = "master"
    #: The volume with its data; it outlives the container, but not the pod.
    broker_volume: str = "redis-data"
    version_command: tuple[str, ...] = ("redis-server", "--version")
    capabilities: Capabilities = _CAPABILITIES
    queue: str = "job2"
    #: Keys where the tutorial's library keeps items in progress, and the holders of leases.
    processing: str = "job2:processing"
    leases: str = "job2:leased_by_session:"
    #: Seconds after which a lease of the tutorial's worker expires.
    lease_seconds: float = 10.0
    #: Empty: the tutorial's worker knows its queue without a variable.
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
        """Start Redis and its Service; return when Redis accepts connections."""
        namespace.create(*broker_manifests(_MANIFESTS, image))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    def url_of(self, queue: str) -> str:
        """Return the redis:// URL that redis-py and other clients accept."""
        return f"redis://{self.service}:{self.port}/0"

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start Redis with its tap, and the Service; return when both accept connections."""
        namespace.create(*tapped_manifests(_MANIFESTS, image, tap))
        namespace.wait_ready(self.broker_pod, timeout=namespace.timeouts.broker_ready)

    @contextlib.contextmanager
    def connect_past_tap(self, namespace: Namespace) -> Iterator[RedisServer]:
        """Connect to Redis past the tap."""
        with (
            namespace.forward(self.broker_pod, _PORT_BEHIND_TAP) as port,
            Redis(host="127.0.0.1", port=port, socket_timeout=namespace.timeouts.api) as client,
        ):
            yield RedisServer(client)

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> Interpreter:
        """Return the interpreter of the wire, with the command roles learned so far."""
        group = how.group if how.kind == "stream" else ""
        return RedisInterpreter(queue, epoch, roles, Stream(how.field, group))

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points:
        """Return the points at commands whose roles the fault-free run has shown."""
        roles = roles or Roles()
        claims, settles, asks, silent = (
            _merge_per_worker(role, roles)
            for role in (roles.claims, roles.settles, roles.asks, roles.silent)
        )
        # The only sign of items that cannot be read is that there is an answer.
        known = () if roles.guessed else tuple(items)
        delivery = Point(
            "before delivery",
            "client",
            "reply",
            # If a claim does not name the item, the answer to the next question does.
            signatures=tuple(dict.fromkeys((*claims, *roles.tells))),
            items=known,
            found=True,
            unnamed=() if roles.tells else silent,
        )
        claiming = command(signatures=claims) if claims else None
        counting = command(signatures=asks) if asks else None
        if not settles:
            return Points(delivery, None, None, claiming, counting)
        return Points(
            delivery,
            command(signatures=settles),
            # The answer shows that it took effect: a script that does not exist yet has none.
            reply(signatures=settles),
            claiming,
            counting,
        )

    def deployed(self, namespace: Namespace) -> bool:
        """Return whether there is a broker to inspect."""
        return any(pod.name == self.broker_pod for pod in namespace.pods())

    @contextlib.contextmanager
    def connect(self, namespace: Namespace) -> Iterator[Redis]:
        """Connect from outside the cluster, over a forwarded port; values are text."""
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
        """Return the tutorial's Job, run by `workers`."""
        return with_workers(tutorial_job(_MANIFESTS), workers)

    def state(self, namespace: Namespace) -> str:
        """Return all keys with type, length and content as readable text."""
        with self.connect(namespace) as client:
            # Any: redis-py types its answers for its sync and its async client at once
            redis: Any = client
            lines = [_describe(redis, key) for key in sorted(redis.scan_iter())]
        return "\n".join(lines or ["no keys"])


def _merge_per_worker(known: tuple[Signature, ...], roles: Roles) -> tuple[Signature, ...]:
    """Return the signatures, with one for all workers where each worker has its own list."""
    keys_by_name: dict[str, list[bytes]] = {}
    for signature in known:
        if signature.key in roles.processing:
            keys_by_name.setdefault(signature.name, []).append(signature.key)
    merged: dict[Signature, None] = {}
    for signature in known:
        keys = keys_by_name.get(signature.name, [])
        start = _common_prefix(keys)
        names = [key[len(start) :] for key in keys]
        per_worker = (
            signature.key in keys
            and len(keys) > 1
            and all(_WORKER_ID.search(word) for word in names)
        )
        merged.setdefault(
            Signature(signature.name, start + b"*") if per_worker and start else signature
        )
    return tuple(merged)


def _common_prefix(keys: Sequence[bytes]) -> bytes:
    """Return the common prefix of all keys."""
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
