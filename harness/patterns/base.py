"""The interface of a pattern: its breakpoints, its broker, its Job."""

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
    """Where the harness can hold a worker of this pattern; None if the wire does not show it.

    `settling` is before the broker gets the report of an item. `settled` lets the report pass, and
    holds what follows. `claiming` is before the broker gets the request for an item.
    """

    delivered: Point
    settling: Point | None
    settled: Point | None
    claiming: Point | None = None
    #: Before the broker gets the query for the number of items.
    counting: Point | None = None

    def delivered_of(self, item: bytes) -> Point:
        """Return `delivered` for one item.

        No message meets that point if the wire does not show which item it carries.
        """
        return msgspec.structs.replace(self.delivered, items=(item,), unnamed=())


@dataclass(frozen=True)
class Places:
    """Keys that may hold items in a form that differs from their own bytes."""

    #: Keys of items that a worker has.
    leased: Sequence[str] = ()
    #: Keys of items that were set aside.
    dead: Sequence[str] = ()
    #: Whether successes write to a key; None while that is not known.
    done: Callable[[str], bool] | None = None
    #: Keys that hold items wherever their ids are, and the state of those items.
    bodies: Mapping[str, Literal["leased", "dead"]] = field(default_factory=dict)

    def where(self, place: str, *, expires: bool) -> Literal["leased", "dead"] | None:
        """Return what it means that an item can be read at the key `place`; None for nothing.

        An item that stays at a key which successes of the fault-free run never write was set aside.
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
    """The broker itself, reached past the tap; all its actions here are the harness's own."""

    def set_delivery_limit(self, queue: str, tries: int, how: Seeding) -> None:
        """Make the (new) queue set aside an item after `tries` deliveries, if the broker can.

        The broker does so automatically.
        """

    def dead_letter_count(self, queue: str) -> int:
        """Return how many items the queue has set aside automatically."""

    def seed(self, queue: str, items: Sequence[bytes], how: Seeding) -> None:
        """Put items into the (new) queue, in order."""

    def set_sentinel(self, key: str) -> None:
        """Write the key that shows that all items are sent, if the broker can have one."""

    def drain(
        self,
        queue: str,
        items: Sequence[bytes],
        dead: Sequence[str],
        how: Seeding,
        places: Places | None = None,
    ) -> tuple[Sequence[ItemLeft | CopyLeft | ItemEnqueued], BrokerDepth]:
        """Find all items that remain in the broker, by a scan of all its data.

        It may take the items out: nothing runs on this queue afterwards.

        Args:
            queue: the queue.
            items: the items to search for.
            dead: dead-letter locations, or (in RabbitMQ) all other queues of the workers.
            how: how items came into the queue.
            places: keys with items in other bytes than their own.

        Returns:
            The remaining items, and the depth of the queue.
        """

    def residual_keys(self, queue: str, dead: Sequence[str]) -> tuple[str, ...]:
        """Return the names of keys that workers left, in addition to the queue and dead letters.

        Keys that expire are not included.
        """

    def state_after_restart(self, queue: str) -> BrokerBack | None:
        """Return what this queue has after a restart; None if the tap reports it."""

    def clear(self) -> None:
        """Delete all data."""


@dataclass(frozen=True)
class Capabilities:
    """How a pattern differs from others.

    Engine and scenarios ask for these, never for the pattern's name.
    """

    #: The built-in pattern whose guarantees and scenarios apply: `coarse` or `fine`.
    judged_as: str
    #: A pod takes one item and exits: the Job has as many completions as there are items.
    one_item_per_pod: bool
    #: An item belongs to its worker until a lease ends; else until its connection is lost.
    has_leases: bool
    #: The queue can set an item aside automatically after too many deliveries.
    has_delivery_limit: bool
    #: The broker answers when a worker reports an item as done.
    answers_settlements: bool
    #: The broker's own feed shows items that are put into the queue.
    shows_enqueued_items: bool
    #: An empty queue differs from a queue that the broker has lost.
    recognises_lost_queue: bool
    #: A key can show the workers that all items are sent.
    has_sentinel: bool
    #: The queue is declared with arguments.
    has_queue_arguments: bool
    #: The possible kinds of a queue, the usual kind first: see `harness.patterns.seeding`.
    seeds: tuple[str, ...]


class Pattern(Protocol):
    """One way to take work from a queue: the `PATTERN` of a package."""

    # Properties, for the patterns are frozen.
    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def version_command(self) -> tuple[str, ...]:
        """Return the command that prints the broker's version, in its container."""

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
        """Return the broker's URL, as many clients want it; pods can resolve it."""

    def manifest(self, workers: JobOptions) -> Manifest:
        """Return the tutorial's Job, run by `workers`."""

    def deploy_with_tap(self, namespace: Namespace, image: str, tap: str) -> None:
        """Start the broker, its tap and their Service; return when they take connections."""

    def connect_past_tap(self, namespace: Namespace) -> AbstractContextManager[Broker]:
        """Return the broker, reached past the tap."""

    def interpreter(
        self, queue: str, epoch: float, roles: Roles | None, how: Seeding
    ) -> Interpreter:
        """Return the interpreter of this broker's wire.

        Args:
            queue: the queue of the run.
            epoch: the moment 0 of the run, in seconds since 1970.
            roles: the roles of Redis commands, from the fault-free run.
            how: how items come into the queue.
        """

    def points(self, roles: Roles | None, items: Sequence[bytes]) -> Points: ...

    def state(self, namespace: Namespace) -> str:
        """Return all that the broker holds, as text for a reader."""


#: All patterns: packages of `harness.patterns`, and those of other distributions.
PATTERNS: Registry[Pattern] = Registry(
    kind="patterns",
    package="harness.patterns",
    attribute="PATTERN",
    group="queuejob.patterns",
    packages_only=True,
)
