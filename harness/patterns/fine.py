"""Fine: a pod takes items from a list in Redis until nothing is left, then exits with success."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis

from harness.kube import Manifest, Namespace
from harness.patterns import Workers, broker_manifests, page_job, with_workers

_PORT = 6379
#: How much of a key's content goes into `state`.
_SHOWN = 100


@dataclass(frozen=True)
class Fine:
    """The fine task page: its names, and how to set it up in a namespace."""

    name: str = "fine"
    recipe: str = "redis"
    service: str = "redis"
    broker_pod: str = "redis-master"
    queue: str = "job2"
    #: Where the page's library keeps what somebody is working on, and who holds a lease.
    processing: str = "job2:processing"
    leases: str = "job2:leased_by_session:"
    #: Seconds after which a lease of the page's worker expires.
    lease_seconds: float = 10.0
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
