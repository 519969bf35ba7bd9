"""Two brokers, and what a tap before them sees: one with leases, one with connections."""

from __future__ import annotations

from collections import Counter, deque
from itertools import count
from typing import Literal

from harness.history import (
    AskedForItem,
    BrokerDepth,
    FoundEmpty,
    ItemDelivered,
    ItemEnqueued,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
)
from harness.suites.unit.simulator.world import World

QUEUE = "queue"
#: After so many attempts that came to no end an item is set aside.
MOST = 3
Token = str
#: The token of the first delivery of all.
FIRST = "t1"


class Leases:
    """Redis with a list and leases: who has an item keeps it until its lease ends."""

    def __init__(self, world: World, lease: float) -> None:
        self._world, self.lease = world, lease
        self.ready: deque[str] = deque()
        self.taken: dict[Token, tuple[str, float]] = {}
        self.dead: list[str] = []
        self._tokens = count(1)
        self._deaths: Counter[str] = Counter()
        #: Whether anybody was given anything.
        self.given = False
        #: What some workers leave there about items: that somebody has begun them.
        self.begun: set[str] = set()
        #: Whether there is what the producer leaves when all is sent.
        self.marked = True

    def send(self, item: str) -> None:
        self.ready.append(item)
        self._world.see("tap", ItemEnqueued(item, QUEUE))

    def pop(self, connection: int) -> str | None:
        """For good: nobody else will ever have it."""
        self._ask(connection)
        if not self.ready:
            self._world.see("tap", FoundEmpty(connection, QUEUE, self._world.now))
            return None
        item = self.ready.popleft()
        self._world.see("tap", ItemDelivered(item, connection, final=True, at=self._world.now))
        return item

    def claim(
        self,
        connection: int,
        *,
        reclaims: bool = True,
        counts: bool = True,
        early: float = 0.0,
        bare: bool = False,
    ) -> tuple[Token, str] | None:
        """An item whose lease has ended (or ends so `early`), else one that is ready.

        A `bare` one has no lease yet, and others may have it. `counts`: nor is it tried for ever.
        """
        self._ask(connection)
        if reclaims and counts:
            self._set_aside(connection)
        now, item = self._world.now, None
        expired = [token for token, (_, until) in self.taken.items() if until <= now + early]
        if expired and reclaims:
            item, _ = self.taken.pop(expired[0])
            self._deaths[item] += 1
            self._world.see("tap", ItemReclaimed(item, connection, expired[0], now))
        elif self.ready:
            item = self.ready.popleft()
        if item is None:
            self._world.see("tap", FoundEmpty(connection, QUEUE, now))
            return None
        return self._deliver(connection, item, None if bare else now + self.lease)

    def expired(self) -> tuple[Token, str] | None:
        """What anybody may take over."""
        now = self._world.now
        return next(((one, item) for one, (item, end) in self.taken.items() if end <= now), None)

    def take(self, connection: int, old: Token, item: str) -> tuple[Token, str]:
        """Take over what had expired, be it there or not."""
        self._ask(connection)
        if self.taken.pop(old, None) is not None:
            self._world.see("tap", ItemReclaimed(item, connection, old, self._world.now))
        return self._deliver(connection, item, self._world.now + self.lease)

    def _deliver(self, connection: int, item: str, until: float | None) -> tuple[Token, str]:
        now, token, self.given = self._world.now, f"t{next(self._tokens)}", True
        self.taken[token] = item, until or now
        self._world.see("tap", ItemDelivered(item, connection, token, until, at=now))
        return token, item

    def _set_aside(self, connection: int) -> None:
        now = self._world.now
        for token, (item, until) in list(self.taken.items()):
            if until <= now and self._deaths[item] + 1 >= MOST:
                self.settle(connection, token, item, dead=True, late=True)

    def renew(self, connection: int, token: Token, *, late: bool = False) -> bool:
        """A longer lease; none when it is over, unless that may be `late`."""
        now = self._world.now
        if token not in self.taken or (self.taken[token][1] <= now and not late):
            return False
        item = self.taken[token][0]
        self.taken[token] = item, now + self.lease
        self._world.see("tap", ItemLeased(item, connection, token, now + self.lease, now))
        return True

    def settle(
        self,
        connection: int,
        token: Token,
        item: str,
        *,
        dead: bool = False,
        late: bool = False,
        whose: bool = True,
    ) -> bool:
        """The item goes for good; `late`: also when the lease is over, not `whose`: by its name."""
        mine = [one for one in self.taken if one == token or not whose]
        held = [one for one in mine if self.taken[one][0] == item]
        valid = any(late or self.taken[one][1] > self._world.now for one in held)
        if valid:
            del self.taken[held[0]]
            if dead:
                self.dead.append(item)
        how: Literal["dead", "acked"] = "dead" if dead else "acked"
        self._world.see("tap", ItemSettled(item, connection, how, token, valid, at=self._world.now))
        return valid

    def settle_equal(self, connection: int, token: Token, item: str) -> None:
        """All that are being worked on and are equal: whoever has them."""
        equal = [one for one, (held, _) in self.taken.items() if held == item and one != token]
        for one in [token, *equal]:
            self.settle(connection, one, item)

    def give_back(self, connection: int, token: Token, *, head: bool = False) -> None:
        """Its holder lets others have it: after the others that are there, or before them."""
        item, _ = self.taken.pop(token)
        if head:
            self.ready.appendleft(item)
        else:
            self.ready.append(item)
        self._world.see("tap", ItemReturned(item, connection, token, self._world.now))

    def lost(self, connection: int) -> None:
        """A connection is over: here that changes nothing."""

    def wipe(self) -> None:
        """It has lost all that it had."""
        self.ready.clear()
        self.taken.clear()
        self.dead.clear()
        self.marked = False

    def empty(self) -> bool:
        return not self.ready and not self.taken

    def drain(self) -> None:
        for item in self.dead:
            self._world.see("broker", ItemLeft(item, QUEUE + ":dead", "dead"))
        for item in self.ready:
            self._world.see("broker", ItemLeft(item, QUEUE, "ready"))
        for item, _ in self.taken.values():
            self._world.see("broker", ItemLeft(item, QUEUE, "leased"))
        depth = BrokerDepth(QUEUE, len(self.ready), leased=len(self.taken), final=True)
        self._world.see("broker", depth)

    def _ask(self, connection: int) -> None:
        self._world.see("tap", AskedForItem(connection, QUEUE, at=self._world.now))


class Connections:
    """RabbitMQ: who has a message keeps it for as long as the connection lasts."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: As with leases: what somebody has begun.
        self.begun: set[str] = set()
        self.ready: deque[tuple[str, bool]] = deque()
        self.taken: dict[Token, tuple[str, int]] = {}
        #: Whether there is a queue at all.
        self.there = True
        self._tags = count(1)

    def send(self, item: str) -> None:
        self.ready.append((item, False))
        self._world.see("harness", ItemEnqueued(item, QUEUE))

    def ask(self, connection: int, room: int | None = 1) -> None:
        self._world.see("tap", AskedForItem(connection, QUEUE, room, self._world.now))

    def take(self, connection: int, *, for_good: bool = False) -> tuple[Token, str] | None:
        if not self.ready:
            return None
        item, again = self.ready.popleft()
        token = f"1/{next(self._tags)}"
        if not for_good:
            self.taken[token] = item, connection
        now = self._world.now
        seen = ItemDelivered(item, connection, token, final=for_good, redelivered=again, at=now)
        self._world.see("tap", seen)
        return token, item

    def settle(self, connection: int, token: Token, item: str, *, dead: bool = False) -> bool:
        self.taken.pop(token, None)
        how: Literal["refused", "acked"] = "refused" if dead else "acked"
        self._world.see("tap", ItemSettled(item, connection, how, token, None, self._world.now))
        return True

    def purge(self) -> None:
        """What nobody has is gone; nobody is told."""
        self.ready.clear()

    def wipe(self) -> None:
        """It has lost all that it had, and the queue itself."""
        self.ready.clear()
        self.taken.clear()
        self.there = False

    def give_back(self, connection: int, token: Token) -> None:
        """Its holder lets others have it: it is there again, at the head."""
        item, _ = self.taken.pop(token)
        self.ready.appendleft((item, True))
        self._world.see("tap", ItemReturned(item, connection, token, self._world.now))

    def lost(self, connection: int) -> None:
        """A connection is over: what it had is there again, at the head."""
        for token in [one for one, (_, held) in self.taken.items() if held == connection]:
            self.ready.appendleft((self.taken.pop(token)[0], True))

    def drain(self) -> None:
        for item, _ in self.ready:
            self._world.see("broker", ItemLeft(item, QUEUE, "ready"))
        for item, _ in self.taken.values():
            self._world.see("broker", ItemLeft(item, QUEUE, "unacked"))
        depth = BrokerDepth(QUEUE, len(self.ready), unacked=len(self.taken), final=True)
        self._world.see("broker", depth)
