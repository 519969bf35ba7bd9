"""What a pattern offers: where its workers can be stopped, its broker, its Job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from harness.core.registry import Registry
from harness.history import BrokerBack, BrokerDepth, CopyLeft, ItemEnqueued, ItemLeft
from harness.infra.kube import Manifest, Namespace
from harness.patterns.command_roles import Roles
from harness.patterns.interpreter import Interpreter
from harness.patterns.job_manifest import JobOptions
from harness.patterns.seeding import Seeding
from harness.tap.points import Point


@dataclass(frozen=True)
class Points:
    """Where a worker of this pattern can be stopped; None where its wire does not show the moment.

    `settling` is before the broker has heard that an item is done; `settled` lets it hear, and
    holds what follows. `claiming` is before the broker has heard that an item is wanted.
    """

    delivered: Point
    settling: Point | None
    settled: Point | None
    claiming: Point | None = None
    #: Before it is asked how many items there are.
    counting: Point | None = None

    def delivered_of(self, item: bytes) -> Point:
        """`delivered` of one item; never met where the wire does not say which it is."""
        return msgspec.structs.replace(self.delivered, items=(item,), unnamed=())


@dataclass(frozen=True)
class Places:
    """What is known of keys with items in other bytes than their own."""

    #: Where items lie that somebody has.
    leased: Sequence[str] = ()
    #: Where what was set aside lies.
    dead: Sequence[str] = ()
    #: Where successes write; None while it is not known yet.
    done: Callable[[str], bool] | None = None
    #: Keys in which items can be read wherever their ids are, and how it stands with those.
    bodies: Mapping[str, Literal["leased", "dead"]] = field(default_factory=dict)

    def where(self, place: str, *, expires: bool) -> Literal["leased", "dead"] | None:
        """What it means that an item is to be read there; None for nothing.

        Where fault-free successes never write, what stays was set aside.
        """
        if place in self.bodies:
            return None if expires and self.bodies[place] == "dead" else self.bodies[place]
        if place in self.leased:
            return "leased"
        if place in self.dead and not expires:
            return "dead"
        if expires or self.done is None or self.done(place):
            return None
        return "dead"


class Broker(Protocol):
    """The broker itself, past the tap; all that is done here is the harness's own doing."""

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Make the (new) queue set aside by itself what was given out so often, where it can."""

    def dead_letter_count(self, queue: str) -> int:
        """How many items the queue has set aside by itself."""

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Put items into the (new) queue, in order."""

    def set_sentinel(self, key: str) -> None:
        """Leave the marker that says that all is sent, where the broker can have one."""

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[Sequence[ItemLeft | CopyLeft | ItemEnqueued], BrokerDepth]:
        """What is left of them, found by a look at all there is.

        `dead` are dead-letter places, or (in RabbitMQ) any other queues of the workers.

        It may take the items out: nothing is run on this queue afterwards.
        """

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """What workers have left there beside the queue and what they set aside; by its name.

        What goes by itself, after a time, is not meant.
        """

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """What it has after a restart, as far as this queue tells; None: the tap says it."""

    def clear(self) -> None:
        """Forget everything."""


@dataclass(frozen=True)
class Capabilities:
    """How a pattern differs from others. Engine and scenarios ask for these, never for its name."""

    #: A pod takes one item and exits: the Job has as many completions as there are items.
    one_item_per_pod: bool
    #: An item belongs to its worker until a lease ends; else until its connection is lost.
    has_leases: bool
    #: The queue can set an item aside by itself that was delivered too often.
    has_delivery_limit: bool
    #: The broker answers when a worker reports an item as done.
    answers_settlements: bool
    #: The broker's own feed shows what is put into the queue.
    shows_enqueued_items: bool
    #: An empty queue differs from a queue that the broker has lost.
    recognises_lost_queue: bool
    #: A key can tell the workers that all items are sent.
    has_sentinel: bool
    #: The queue is declared with arguments.
    has_queue_arguments: bool
    #: What a queue can be, the usual kind first: see `harness.patterns.seeding`.
    seeds: tuple[str, ...]


class Pattern(Protocol):
    """One way to take work from a queue: a package's `PATTERN`."""

    # Read only: the patterns are frozen.
    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def version_command(self) -> tuple[str, ...]:
        """The command that prints the broker's version, in its container."""

    @property
    def recipe(self) -> str: ...
    @property
    def broker_pod(self) -> str: ...
    @property
    def broker_container(self) -> str: ...
    @property
    def broker_volume(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def queue_env(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def items(self) -> tuple[str, ...]: ...
    @property
    def service(self) -> str: ...
    @property
    def port(self) -> int: ...

    def url_of(self, queue: str) -> str:
        """The broker's address, as many clients want it; pods can resolve it."""

    def manifest(self, workers: JobOptions) -> Manifest:
        """The task page's Job, run by `workers`."""

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start the broker, its tap and their Service; returns when they take connections."""

    def connect_past_tap(self, namespace: Namespace) -> AbstractContextManager[Broker]:
        """The broker, reached past the tap."""

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> Interpreter:
        """What reads this broker's wire; `epoch` is moment 0 in seconds since 1970."""

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points: ...

    def state(self, namespace: Namespace) -> str:
        """All that the broker holds, for a reader."""


#: All patterns: packages of `harness.patterns`, and those of other distributions.
PATTERNS: Registry[Pattern] = Registry(
    kind="patterns",
    package="harness.patterns",
    attribute="PATTERN",
    group="queuejob.patterns",
    packages_only=True,
)
