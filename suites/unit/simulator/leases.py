"""The ways in which workers keep leases in Redis: the same guarantees in other shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from harness.suites.unit.simulator.redis import Call, Word
from harness.suites.unit.simulator.tap import Wire

QUEUE = b"job2"
#: After so many attempts that came to no end an item is set aside.
MOST = 3
Asking = Generator[float, None, Any]


@dataclass(frozen=True)
class Claim:
    """An item in a worker's hands: `held` is what lies in Redis for it."""

    item: bytes
    held: bytes
    attempt: int = 1


def _key(part: str) -> bytes:
    return QUEUE + b":" + part.encode()


def _score(at: float) -> str:
    return f"{at:.4f}"


class Leases:
    """A queue whose every change is one script; the shapes differ in the scripts."""

    def __init__(
        self, wire: Wire, me: str, lease: float, *, reclaims: bool = True, dead: str = ""
    ) -> None:
        self.wire, self.me, self.lease = wire, me, lease
        self._reclaims, self._dead = reclaims, dead
        self._numbers = count(1)

    # -- what a worker does -------------------------------------------------------------------

    def claim(self) -> Asking:
        """Take an item; None when there is none."""
        token = f"{self.me}:{next(self._numbers)}".encode()
        found: list[Claim] = []

        def does(call: Call) -> Any:
            now = _now(call)
            one = self._expired(call, now) if self._reclaims else None
            attempt = 0 if one is None else one[1]
            item = call("LPOP", QUEUE) if one is None else one[0]
            if item is None:
                return None
            held = self._take(call, now, token, item, attempt + 1)
            found.append(Claim(item, held, attempt + 1))
            return self._answer(found[0])

        yield from self._script("claim", (token, self.lease), does)
        return found[0] if found else None

    def renew(self, claim: Claim) -> Asking:
        return (yield from self._if_mine("renew", claim, self._keep))

    def settle(self, claim: Claim) -> Asking:
        return (
            yield from self._if_mine("settle", claim, lambda call, _, one: self._drop(call, one))
        )

    def give_back(self, claim: Claim) -> Asking:
        return (yield from self._if_mine("back", claim, self._free))

    def bury(self, claim: Claim) -> Asking:
        """Set it aside, where its owner looks for such."""

        def does(call: Call, _: float, one: Claim) -> None:
            self._drop(call, one)
            set_aside(call, self._dead, one.item)

        return (yield from self._if_mine("bury", claim, does))

    def empty(self, *, ready_only: bool = False) -> Asking:
        """Whether nothing is ready and nothing leased, at one moment."""
        if ready_only:
            return not (yield from self.wire.ask("LLEN", QUEUE))
        values = yield from self.wire.transaction(("LLEN", QUEUE), *self._leased())
        return not any(values)

    # -- how ------------------------------------------------------------------------------------

    def _script(self, name: str, args: tuple[Word, ...], does: Callable[[Call], Any]) -> Asking:
        keys = [QUEUE, *self._keys()]
        return (yield from self.wire.script(f"{type(self).__name__} {name}", keys, args, does))

    def _if_mine(self, name: str, claim: Claim, do: Callable[[Call, float, Claim], Any]) -> Asking:
        def does(call: Call) -> int:
            now = _now(call)
            if not self._is_mine(call, now, claim):
                return 0
            do(call, now, claim)
            return 1

        done = yield from self._script(name, (claim.held, self.lease), does)
        return done == 1

    def _next(
        self, call: Call, now: float, held: list[tuple[bytes, int]], drop: Callable[[bytes], Any]
    ) -> tuple[bytes, int] | None:
        """Of what has expired the first that was not tried too often; such are set aside."""
        for item, attempt in held:
            drop(item)
            if attempt < MOST:
                return item, attempt
            set_aside(call, self._dead, item)
        return None

    def _tries(self, call: Call, item: bytes) -> int:
        return int(call("HGET", _key("tries"), item) or 0)

    # -- shapes -----------------------------------------------------------------------------------

    def _keys(self) -> list[bytes]:
        raise NotImplementedError

    def _leased(self) -> list[tuple[Word, ...]]:
        """What counts the leases."""
        raise NotImplementedError

    def _answer(self, claim: Claim) -> Any:
        return [claim.item, str(claim.attempt).encode()]

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        raise NotImplementedError

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        raise NotImplementedError

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        raise NotImplementedError

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        raise NotImplementedError

    def _drop(self, call: Call, claim: Claim) -> None:
        raise NotImplementedError

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        raise NotImplementedError


class Tokens(Leases):
    """A sorted set of tokens by the end of the lease, and a hash with the item of each."""

    #: Of the scores, to a second.
    unit = 1.0

    def _keys(self) -> list[bytes]:
        return [_key("leases"), _key("items"), _key("attempts")]

    def _leased(self) -> list[tuple[Word, ...]]:
        return [("ZCARD", _key("leases"))]

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        leases, items, attempts = self._keys()
        for old in call("ZRANGEBYSCORE", leases, "-inf", _score(now * self.unit)):
            item, attempt = call("HGET", items, old), int(call("HGET", attempts, old))
            self._forget(call, old)
            if attempt < MOST:
                return item, attempt
            set_aside(call, self._dead, item)
        return None

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        leases, items, attempts = self._keys()
        call("ZADD", leases, _score((now + self.lease) * self.unit), token)
        call("HSET", items, token, item)
        call("HSET", attempts, token, attempt)
        return token

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        return (call("ZSCORE", _key("leases"), claim.held) or 0) > now * self.unit

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        call("ZADD", _key("leases"), _score((now + self.lease) * self.unit), claim.held)

    def _drop(self, call: Call, claim: Claim) -> None:
        self._forget(call, claim.held)

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        call("ZADD", _key("leases"), _score(now * self.unit), claim.held)

    def _forget(self, call: Call, token: bytes) -> None:
        leases, items, attempts = self._keys()
        call("ZREM", leases, token)
        call("HDEL", items, token)
        call("HDEL", attempts, token)


class Milliseconds(Tokens):
    """The same; the ends are in milliseconds."""

    unit = 1000.0


class Scored(Leases):
    """A sorted set of what is taken, by the end of the lease: the items themselves."""

    def _keys(self) -> list[bytes]:
        return [_key("taken"), _key("tries")]

    def _leased(self) -> list[tuple[Word, ...]]:
        return [("ZCARD", _key("taken"))]

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        for held in call("ZRANGEBYSCORE", _key("taken"), "-inf", _score(now)):
            item, attempt = self._unwrap(call, held)
            call("ZREM", _key("taken"), held)
            if attempt < MOST:
                return item, attempt
            set_aside(call, self._dead, item)
        return None

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        held = self._wrap(call, token, item, attempt)
        call("ZADD", _key("taken"), _score(now + self.lease), held)
        return held

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        return (call("ZSCORE", _key("taken"), claim.held) or 0) > now

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        call("ZADD", _key("taken"), _score(now + self.lease), claim.held)

    def _drop(self, call: Call, claim: Claim) -> None:
        call("ZREM", _key("taken"), claim.held)
        call("HDEL", _key("tries"), claim.item)

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        call("ZADD", _key("taken"), _score(now), claim.held)

    def _wrap(self, call: Call, _: bytes, item: bytes, attempt: int) -> bytes:
        call("HSET", _key("tries"), item, attempt)
        return item

    def _unwrap(self, call: Call, held: bytes) -> tuple[bytes, int]:
        return held, self._tries(call, held)


class Envelopes(Scored):
    """What is taken is JSON with the item, an id and the number of attempts."""

    def _answer(self, claim: Claim) -> Any:
        return claim.held

    def _drop(self, call: Call, claim: Claim) -> None:
        call("ZREM", _key("taken"), claim.held)

    def _wrap(self, _: Call, token: bytes, item: bytes, attempt: int) -> bytes:
        made = {"id": token.decode(), "attempts": attempt, "data": self._encode(item)}
        return json.dumps(made).encode()

    def _unwrap(self, _: Call, held: bytes) -> tuple[bytes, int]:
        made = json.loads(held)
        return self._decode(made["data"]), made["attempts"]

    def _encode(self, item: bytes) -> str:
        return item.decode()

    def _decode(self, data: str) -> bytes:
        return data.encode()


class Hexadecimal(Envelopes):
    """The same, and nothing of the item can be read in it."""

    def _encode(self, item: bytes) -> str:
        return item.hex()

    def _decode(self, data: str) -> bytes:
        return bytes.fromhex(data)


class Prefixed(Scored):
    """What is taken has a token before it."""

    def _answer(self, claim: Claim) -> Any:
        return claim.held

    def _drop(self, call: Call, claim: Claim) -> None:
        call("ZREM", _key("taken"), claim.held)

    def _wrap(self, _: Call, token: bytes, item: bytes, attempt: int) -> bytes:
        return b"%s:%d|%s" % (token, attempt, item)

    def _unwrap(self, _: Call, held: bytes) -> tuple[bytes, int]:
        head, _, item = held.partition(b"|")
        return item, int(head.rpartition(b":")[2])


class Expiring(Leases):
    """A list of what is taken, and a key with an end for each."""

    def _keys(self) -> list[bytes]:
        return [_key("processing"), _key("tries")]

    def _leased(self) -> list[tuple[Word, ...]]:
        return [("LLEN", _key("processing"))]

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        gone = [one for one in call("LRANGE", _key("processing"), 0, -1) if self._over(call, one)]
        return self._next(
            call,
            now,
            [(one, self._tries(call, one)) for one in gone],
            lambda item: call("LREM", _key("processing"), 0, item),
        )

    def _over(self, call: Call, item: bytes) -> bool:
        return not call("EXISTS", self._lease(item))

    def _lease(self, item: bytes) -> bytes:
        return _key("lease:") + item.hex().encode()

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        call("RPUSH", _key("processing"), item)
        call("SET", self._lease(item), token, "EX", int(self.lease))
        call("HSET", _key("tries"), item, attempt)
        return token

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        return bool(call("GET", self._lease(claim.item)) == claim.held)

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        call("SET", self._lease(claim.item), claim.held, "EX", int(self.lease))

    def _drop(self, call: Call, claim: Claim) -> None:
        call("LREM", _key("processing"), 0, claim.item)
        call("DEL", self._lease(claim.item))
        call("HDEL", _key("tries"), claim.item)

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        call("DEL", self._lease(claim.item))


class Owned(Leases):
    """A hash: each item's field says until when it is whose."""

    def _keys(self) -> list[bytes]:
        return [_key("owned"), _key("tries")]

    def _leased(self) -> list[tuple[Word, ...]]:
        return [("HLEN", _key("owned"))]

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        over = [
            item
            for item, said in call("HGETALL", _key("owned")).items()
            if float(said.partition(b"|")[0]) <= now
        ]
        return self._next(
            call,
            now,
            [(one, self._tries(call, one)) for one in over],
            lambda item: call("HDEL", _key("owned"), item),
        )

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        call("HSET", _key("owned"), item, self._says(now + self.lease, token))
        call("HSET", _key("tries"), item, attempt)
        return token

    def _says(self, until: float, token: bytes) -> bytes:
        return f"{until:.3f}|".encode() + token

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        said = call("HGET", _key("owned"), claim.item) or b"0|"
        until, _, owner = said.partition(b"|")
        return bool(owner == claim.held and float(until) > now)

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        call("HSET", _key("owned"), claim.item, self._says(now + self.lease, claim.held))

    def _drop(self, call: Call, claim: Claim) -> None:
        call("HDEL", _key("owned"), claim.item)
        call("HDEL", _key("tries"), claim.item)

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        call("HSET", _key("owned"), claim.item, self._says(now, claim.held))


class Heartbeats(Leases):
    """A list for each worker of what it has, and a key with an end that says that it lives."""

    def _keys(self) -> list[bytes]:
        return [_key("workers"), self._mine(), self._alive(self.me.encode()), _key("tries")]

    def _mine(self) -> bytes:
        return _key("of:") + self.me.encode()

    def _alive(self, worker: bytes) -> bytes:
        return _key("alive:") + worker

    def _beat(self, call: Call) -> None:
        call("SET", self._alive(self.me.encode()), 1, "EX", int(self.lease))

    def _expired(self, call: Call, now: float) -> tuple[bytes, int] | None:
        self._beat(call)
        for worker in call("SMEMBERS", _key("workers")):
            if worker == self.me.encode() or call("EXISTS", self._alive(worker)):
                continue
            while (item := call("LPOP", _key("of:") + worker)) is not None:
                attempt = self._tries(call, item)
                if attempt < MOST:
                    return item, attempt
                set_aside(call, self._dead, item)
            call("SREM", _key("workers"), worker)
        return None

    def _take(self, call: Call, now: float, token: bytes, item: bytes, attempt: int) -> bytes:
        call("SADD", _key("workers"), self.me)
        call("RPUSH", self._mine(), item)
        call("HSET", _key("tries"), item, attempt)
        self._beat(call)
        return item

    def _is_mine(self, call: Call, now: float, claim: Claim) -> bool:
        return bool(claim.item in call("LRANGE", self._mine(), 0, -1))

    def _keep(self, call: Call, now: float, claim: Claim) -> None:
        self._beat(call)

    def _drop(self, call: Call, claim: Claim) -> None:
        call("LREM", self._mine(), 0, claim.item)
        call("HDEL", _key("tries"), claim.item)

    def _free(self, call: Call, now: float, claim: Claim) -> None:
        call("LREM", self._mine(), 0, claim.item)
        call("RPUSH", QUEUE, claim.item)

    def empty(self, *, ready_only: bool = False) -> Asking:
        """A script: whose lists there are is not known beforehand."""
        if ready_only:
            return not (yield from self.wire.ask("LLEN", QUEUE))

        def does(call: Call) -> int:
            workers = call("SMEMBERS", _key("workers"))
            lists = [_key("of:") + one for one in workers]
            return sum(call("LLEN", key) for key in (QUEUE, *lists))

        return not (yield from self._script("count", (), does))


class Transactions(Tokens):
    """Tokens without scripts: each change is a transaction, on Redis' word that nothing changed."""

    def claim(self) -> Asking:
        token = f"{self.me}:{next(self._numbers)}".encode()
        wire, leases, items, attempts = self.wire, *self._keys()
        now = wire.tap.moment()
        old = yield from wire.ask("ZRANGEBYSCORE", leases, "-inf", _score(now))
        take: list[tuple[Word, ...]]
        if old and self._reclaims:
            item = yield from wire.ask("HGET", items, old[0])
            attempt = int((yield from wire.ask("HGET", attempts, old[0])) or 0)
            forget: list[tuple[Word, ...]] = [("ZREM", leases, old[0]), ("HDEL", items, old[0])]
            forget.append(("HDEL", attempts, old[0]))
            if attempt >= MOST:
                yield from wire.transaction(*forget, ("RPUSH", _key("dead"), item))
                return None
            take = forget
        else:
            item = yield from wire.ask("LINDEX", QUEUE, 0)
            attempt, take = 0, [("LPOP", QUEUE)]
        if item is None:
            return None
        end = _score(now + self.lease)
        values = yield from wire.transaction(
            *take,
            ("ZADD", leases, end, token),
            ("HSET", items, token, item),
            ("HSET", attempts, token, attempt + 1),
        )
        return Claim(item, token, attempt + 1) if values else None

    def renew(self, claim: Claim) -> Asking:
        end = _score(self.wire.tap.moment() + self.lease)
        yield from self.wire.transaction(("ZADD", _key("leases"), end, claim.held))
        return True

    def settle(self, claim: Claim) -> Asking:
        leases, items, attempts = self._keys()
        values = yield from self.wire.transaction(
            ("ZREM", leases, claim.held),
            ("HDEL", items, claim.held),
            ("HDEL", attempts, claim.held),
        )
        return bool(values[0])

    def give_back(self, claim: Claim) -> Asking:
        end = _score(self.wire.tap.moment())
        yield from self.wire.transaction(("ZADD", _key("leases"), end, claim.held))
        return True


SHAPES: Mapping[str, type[Leases]] = {
    "tokens": Tokens,
    "milliseconds": Milliseconds,
    "scored": Scored,
    "envelopes": Envelopes,
    "hexadecimal": Hexadecimal,
    "prefixed": Prefixed,
    "expiring": Expiring,
    "owned": Owned,
    "heartbeats": Heartbeats,
    "transactions": Transactions,
}


def set_aside(call: Call, how: str, item: bytes) -> None:
    """Put an item where failed ones lie, in the bytes that this worker's owner wants."""
    if how == "json":
        made = {"error": "it cannot be worked on", "payload": item.decode(errors="replace")}
        call("RPUSH", _key("failed"), json.dumps(made))
    elif how == "hash":
        call(
            "HSET", b"errors:job2", item.hex(), json.dumps({"item": item.decode(errors="replace")})
        )
    elif how == "hex":
        call("RPUSH", b"morgue", item.hex())
    else:
        call("RPUSH", _key("dead"), item)


def _now(call: Call) -> float:
    seconds, micro = call("TIME")
    return int(seconds) + int(micro) / 1e6
