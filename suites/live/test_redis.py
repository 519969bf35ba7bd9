"""The whole way with a real Redis: workers, the tap, MONITOR and a replica's link, events.

Redis runs in the cluster, on its node's own network: behind a forwarded port nobody can tell who
asks. `QUEUEJOB_TEST_REDIS` names another one, as HOST:PORT, that holds nothing of value: all is
deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import random
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.connection import Connection, ConnectionPool

from harness.fixtures.cluster import LoadedImages
from harness.history import (
    AskedForItem,
    BrokerDepth,
    FoundEmpty,
    ItemDelivered,
    ItemLeased,
    ItemLeft,
    ItemReclaimed,
    ItemReturned,
    ItemSettled,
    NotUnderstood,
    Observation,
)
from harness.infra.kube import Kube, Manifest
from harness.patterns.base import Places
from harness.patterns.fine.broker import RedisServer
from harness.patterns.fine.interpreter.interpreter import RedisInterpreter
from harness.patterns.fine.interpreter.keyspace.keyspace import Keyspace
from harness.patterns.fine.interpreter.keyspace.values import Hash, Zset
from harness.patterns.fine.pattern import PATTERN as FINE
from harness.patterns.seeding import Seeding
from harness.tap.protocols.redis import Resp
from harness.tap.proxy.proxy import Proxy
from harness.tap.records import Effect, RawFeedData, Record
from harness.tap.redis_feed.feed import RedisFeed
from harness.tap.redis_feed.parser import FeedParser

WORKERS = Path(str(files("harness.manifests"))) / "workers"
BOUND = 60.0
#: Of the node; each of several processes takes one of its own.
FIRST_PORT, PORTS = 20_000, 10_000


class FromPod(Connection):
    """A connection that comes from an address of its own, as pods have them."""

    pod = "127.0.0.1"

    def __init__(self, *args: Any, pod: str, **more: Any) -> None:
        self.pod = pod
        super().__init__(*args, **more)  # type: ignore[no-untyped-call]  # redis has no type here

    def _connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), BOUND, (self.pod, 0))


class Scene:
    """A tap before the Redis, in a loop of its own; what it records is kept."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        # Any: the client's answers are typed for its two natures, now and awaited, at once
        self.direct: Any = redis.Redis(*self.upstream)
        self.records: list[tuple[float, Record]] = []
        self._reading = FeedParser()
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._port = 0
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._main(),), daemon=True
        )

    def __enter__(self) -> Scene:
        self.direct.flushall()
        self._thread.start()
        assert self._ready.wait(BOUND), "the tap did not begin"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(BOUND)
        assert not self._thread.is_alive(), "the tap did not end"
        self.direct.close()
        self._loop.close()

    def pod(self, number: int) -> Any:
        pool = ConnectionPool(
            connection_class=FromPod, host="127.0.0.1", port=self._port, pod=f"127.0.1.{number}"
        )
        return redis.Redis(connection_pool=pool)

    def together(self, *works: Callable[[], None]) -> None:
        """All at the same time, to their end."""
        failed: list[BaseException] = []

        def run(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(BOUND)
        assert not any(thread.is_alive() for thread in threads)
        assert failed == []

    async def _main(self) -> None:
        proxy = Proxy(self.upstream, Resp, self._record)
        witness = RedisFeed(self.upstream, self._record, lambda: bool(proxy.links))
        await witness.start(BOUND)
        self._port = await proxy.start()
        self._ready.set()
        await self._over.wait()
        await proxy.stop()
        await witness.sync(BOUND)
        witness.stop()

    def _record(self, record: Record | RawFeedData) -> None:
        at = time.time()
        read = self._reading.read(record) if isinstance(record, RawFeedData) else (record,)
        self.records += [(at, one) for one in read]

    def read(self, queue: str) -> tuple[RedisInterpreter, list[Observation]]:
        """What all records say, once the scene is over."""
        reader = RedisInterpreter(queue, self.records[0][0])
        events = [event for at, record in self.records for event in reader.feed(at, record)]
        # A worker may yet push what it took away last, as far as the reader knows.
        events += reader.finish()
        assert reader.drained()
        assert not [one for one in events if isinstance(one, NotUnderstood)]
        return reader, events


@pytest.fixture(scope="module")
def upstream(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Where a Redis is that sees our own address."""
    where = os.environ.get("QUEUEJOB_TEST_REDIS", "")
    if where:
        host, _, number = where.rpartition(":")
        yield host, int(number)
        return
    images: LoadedImages = request.getfixturevalue("images")
    kube: Kube = request.getfixturevalue("kube")
    namespace = kube.create_namespace("live-redis")
    port = FIRST_PORT + os.getpid() % PORTS
    try:
        namespace.create(on_the_node(images.load(FINE.recipe), port))
        namespace.wait_ready("redis", timeout=namespace.timeouts.broker_ready)
        host = namespace.kubectl("get", "pod/redis", "-o", "jsonpath={.status.hostIP}").stdout
        yield host.strip(), port
    finally:
        kube.delete_namespace(namespace.name)


def on_the_node(image: str, port: int) -> Manifest:
    """Redis on the network of its node."""
    command = ["redis-server", "--port", str(port), "--bind", "*", "--protected-mode", "no"]
    ready = {"tcpSocket": {"port": port}, "periodSeconds": 1}
    container = {
        "name": "redis",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*command, "--save", ""],
        "readinessProbe": ready,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "redis"},
        "spec": {"hostNetwork": True, "containers": [container]},
    }


@pytest.fixture
def live(upstream: tuple[str, int]) -> Iterator[Scene]:
    """Nothing is left of it afterwards."""
    yield (made := Scene(upstream))
    made.direct.flushall()


def worker(path: str) -> Any:
    """A module of a worker's image."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, WORKERS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_item(events: list[Observation]) -> dict[Any, list[Observation]]:
    """What happened to each item, in order."""
    kinds = (ItemDelivered, ItemLeased, ItemSettled, ItemReturned, ItemReclaimed)
    stories: dict[Any, list[Observation]] = defaultdict(list)
    for event in events:
        if isinstance(event, kinds):
            stories[event.item].append(event)
    return stories


def names(story: list[Observation]) -> list[str]:
    return [type(one).__name__ for one in story]


def test_the_page_s_worker(live: Scene) -> None:
    page = worker("tutorial/fine/rediswq.py")

    def work(number: int) -> None:
        client = live.pod(number)
        todo = page.WorkQueue(client, "job2")
        while not todo.empty():
            item = todo.lease(lease_seconds=20, timeout=1)
            if item is not None:
                todo.complete(item)
        client.close()

    with live:
        live.direct.rpush("job2", *(f"item-{number}" for number in range(60)))
        live.together(*(lambda number=number: work(number) for number in (1, 2, 3)))
    reader, events = live.read("job2")
    stories = by_item(events)
    assert len(stories) == 60
    for story in stories.values():
        delivered, leased, settled = story
        assert isinstance(delivered, ItemDelivered)
        assert isinstance(leased, ItemLeased)
        assert isinstance(settled, ItemSettled)
        assert delivered.connection == leased.connection == settled.connection
        assert leased.at is not None
        assert leased.until - leased.at == pytest.approx(20, abs=1)
    assert reader.lease_blind_spot() == ""
    assert reader.places() == {"ready": [], "leased": [], "dead": []}
    assert {FoundEmpty, AskedForItem} <= {type(one) for one in events}


def test_the_reference_worker(live: Scene) -> None:
    reference = worker("reference/fine/workqueue.py")
    lost, back, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        todo = reference.WorkQueue(live.pod(1), "job2", 0.4, 3)
        token, item = todo.claim()
        assert item == b"a"
        lost.set()
        assert done.wait(BOUND)
        assert not todo.complete(token)

    def second() -> None:
        todo = reference.WorkQueue(live.pod(2), "job2", 5, 3)
        assert lost.wait(BOUND)
        token, item = todo.claim()
        assert item == b"b"
        assert todo.renew(token)
        assert todo.give_back(token)
        back.set()

    def third() -> None:
        todo = reference.WorkQueue(live.pod(3), "job2", 5, 3)
        assert back.wait(BOUND)
        end = time.monotonic() + BOUND
        while not todo.empty():
            assert time.monotonic() < end
            claimed = todo.claim()
            if claimed is not None:
                assert todo.complete(claimed[0])
        done.set()

    with live:
        live.direct.rpush("job2", "a", "b")
        live.together(first, second, third)
    reader, events = live.read("job2")
    stories = by_item(events)
    assert names(stories["a"]) == [
        "ItemDelivered",
        "ItemReclaimed",
        "ItemDelivered",
        "ItemSettled",
        "ItemSettled",
    ]
    assert [one.effective for one in stories["a"] if isinstance(one, ItemSettled)] == [True, False]
    assert names(stories["b"]) == [
        "ItemDelivered",
        "ItemLeased",
        "ItemReturned",
        "ItemDelivered",
        "ItemSettled",
    ]
    roles = reader.roles()
    assert [len(one) for one in (roles.claims, roles.settles, roles.renews, roles.gives_back)] == [
        1,
        1,
        1,
        1,
    ]


def test_the_reference_worker_of_streams(live: Scene) -> None:
    reference = worker("reference/streams/workqueue.py")
    lost, back, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        todo = reference.WorkQueue(live.pod(1), "job2", 0.4, 2)
        token, item = todo.claim()
        assert item == b"a"
        lost.set()
        assert done.wait(BOUND)
        assert not todo.complete(token)

    def second() -> None:
        todo = reference.WorkQueue(live.pod(2), "job2", 0.4, 2)
        assert lost.wait(BOUND)
        token, item = todo.claim()
        assert item == b"b"
        assert todo.renew(token)
        assert todo.break_off(token)
        back.set()

    def third() -> None:
        todo = reference.WorkQueue(live.pod(3), "job2", 0.4, 2)
        assert back.wait(BOUND)
        end = time.monotonic() + BOUND
        while not todo.empty():
            assert time.monotonic() < end
            claimed = todo.claim()
            if claimed is not None:
                # `b` fails until it is set aside.
                assert (todo.complete if claimed[1] == b"a" else todo.give_back)(claimed[0])
        done.set()

    with live:
        RedisServer(live.direct).seed("job2", [b"a", b"b"], Seeding("stream"))
        live.together(first, second, third)
    reader, events = live.read("job2")
    stories = by_item(events)
    assert names(stories["a"]) == [
        "ItemDelivered",
        "ItemReclaimed",
        "ItemDelivered",
        "ItemSettled",
        "ItemSettled",
    ]
    assert [one.effective for one in stories["a"] if isinstance(one, ItemSettled)] == [True, False]
    assert names(stories["b"]) == [
        "ItemDelivered",
        "ItemLeased",
        *["ItemReturned", "ItemDelivered"] * 2,
        "ItemReturned",
        "ItemSettled",
    ]
    assert [one.how for one in stories["b"] if isinstance(one, ItemSettled)] == ["dead"]
    assert (reader.roles().idle, reader.roles().dead) == (0.4, (b"job2:dead",))
    dead = RedisServer(live.direct).drain("job2", [b"a", b"b"], ["job2:dead"], Seeding("stream"))
    assert dead == ([ItemLeft("b", "job2:dead", "dead")], BrokerDepth("job2", 0, 0, final=True))


def test_what_the_group_of_a_stream_has_left(live: Scene) -> None:
    """Undelivered, pending, acknowledged; and all, where nobody has made the group."""
    how, items = Seeding("stream"), [b"a", b"b", b"", b"c"]
    with live:
        server = RedisServer(live.direct)
        server.seed("q", items, how)
        live.direct.xreadgroup("workers", "me", {"q": ">"}, count=2)
        live.direct.xack("q", "workers", live.direct.xrange("q")[0][0])
        found, depth = server.drain("q", items, (), how)
        assert [(one.item, one.where) for one in found] == [
            ("b", "leased"),
            ("", "ready"),
            ("c", "ready"),
        ]
        assert (depth.ready, depth.leased) == (2, 1)
        found, depth = server.drain("q", items, (), Seeding("stream", "others"))
        assert (depth.ready, depth.leased) == (4, 0)
        assert server.residual_keys("q", ()) == ()


@pytest.mark.parametrize("pop", ["blmove", "brpoplpush", "blpop", "bzpopmin"])
def test_those_who_wait(live: Scene, pop: str) -> None:
    def work(number: int, got: list[bytes]) -> None:
        client = live.pod(number)
        while True:
            more = ("p",) if pop in ("blmove", "brpoplpush") else ()
            answer = getattr(client, pop)("q", *more, timeout=1)
            if answer is None:
                return
            got.append(answer if isinstance(answer, bytes) else answer[1])

    taken: list[list[bytes]] = [[], [], []]

    def push() -> None:
        for number in range(90):
            if pop == "bzpopmin":
                live.direct.zadd("q", {f"i{number}": number})
            else:
                live.direct.rpush("q", f"i{number}")

    with live:
        live.together(*(lambda n=n: work(n, taken[n]) for n in range(3)), push)
    _, events = live.read("q")
    told: dict[int, list[bytes]] = defaultdict(list)
    for one in events:
        if isinstance(one, ItemDelivered):
            told[one.connection].append(str(one.item).encode())
    assert sorted(told.values()) == sorted(one for one in taken if one)
    assert sum(map(len, told.values())) == 90


def test_a_stream(live: Scene) -> None:
    def work(number: int) -> None:
        client = live.pod(number)
        for _ in range(20):
            answer = client.xreadgroup("g", f"c{number}", {"q": ">"}, count=2, block=500)
            for _, entries in answer.items() if isinstance(answer, dict) else answer:
                for entry, _ in entries if isinstance(entries[0], tuple) else entries[0]:
                    client.xack("q", "g", entry)

    with live:
        live.direct.xgroup_create("q", "g", "0", mkstream=True)
        for number in range(60):
            live.direct.xadd("q", {"item": f"i{number}"})
        live.together(*(lambda n=n: work(n) for n in (1, 2)))
    reader, events = live.read("q")
    stories = by_item(events)
    assert len(stories) == 60
    assert {tuple(names(story)) for story in stories.values()} == {("ItemDelivered", "ItemSettled")}
    assert reader.places() == {"ready": [], "leased": [], "dead": []}


# -- the model of the keyspace --------------------------------------------------------------------

VALUES = ["a", "b", "c", "dd", "1", ""]


def some_command(chance: random.Random) -> list[str]:
    """A command with made-up arguments; Redis refuses those that do not fit their key."""
    value, more = chance.choice(VALUES), chance.choice(VALUES)
    number, end = str(chance.randint(-4, 4)), str(chance.randint(-4, 9))
    one, two = chance.choices(["k1", "k2"], k=2)
    kinds = {
        "list": [
            [chance.choice(["LPUSH", "RPUSH"]), one, value, more, value, more],
            [chance.choice(["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), one, value, more],
            [chance.choice(["LPOP", "RPOP"]), one],
            [chance.choice(["LPOP", "RPOP"]), one, end],
            ["LREM", one, number, value],
            ["LTRIM", one, chance.choice(["0", "1", "-6"]), chance.choice(["5", "-2"])],
            ["LSET", one, number, value],
            ["LINSERT", one, chance.choice(["BEFORE", "AFTER"]), value, more],
            ["RPOPLPUSH", one, two],
            ["LMOVE", one, two, *chance.choices(["LEFT", "RIGHT"], k=2)],
            ["LMPOP", "2", one, two, chance.choice(["LEFT", "RIGHT"]), "COUNT", "2"],
        ],
        "set": [
            ["SADD", one, value, more],
            ["SREM", one, value],
            ["SMOVE", one, two, value],
            ["SPOP", one],
        ],
        "hash": [
            ["HSET", one, value, more, "f", end],
            ["HSETNX", one, value, more],
            ["HDEL", one, value, more],
            ["HINCRBY", one, "f", number],
        ],
        "zset": [
            ["ZADD", one, number, value, end, more],
            ["ZADD", one, chance.choice(["NX", "XX"]), number, value],
            ["ZADD", one, chance.choice(["GT", "LT"]), number, value],
            ["ZADD", one, "INCR", number, value],
            ["ZINCRBY", one, number, value],
            ["ZREM", one, value],
            [chance.choice(["ZPOPMIN", "ZPOPMAX"]), one],
            ["ZMPOP", "1", one, chance.choice(["MIN", "MAX"]), "COUNT", "2"],
            ["ZREMRANGEBYSCORE", one, chance.choice(["-inf", f"({number}", number]), end],
            ["ZREMRANGEBYRANK", one, number, end],
        ],
        "string": [
            ["SET", one, value],
            ["SET", one, value, "PX", "100000", "NX"],
            ["SET", one, value, "KEEPTTL"],
            ["SETEX", one, "100", value],
            ["SETNX", one, value],
            ["GETSET", one, value],
            ["GETDEL", one],
            ["MSET", one, value, two, more],
        ],
        "any": [
            ["EXPIRE", one, "100"],
            ["PERSIST", one],
            ["RENAME", one, two],
            [chance.choice(["DEL", "UNLINK"]), one, two],
        ],
    }
    kind = chance.choices(list(kinds), weights=[8, 3, 3, 8, 3, 1])[0]
    prefix = chance.choice(["", kind])  # keys of a kind, and keys of any
    return [
        f"{prefix}{word}" if word in ("k1", "k2") else word for word in chance.choice(kinds[kind])
    ]


def held(client: Any) -> dict[bytes, object]:
    """All that a Redis holds."""
    look: dict[bytes, Callable[[bytes], object]] = {
        b"list": lambda key: deque(client.lrange(key, 0, -1)),
        b"set": client.smembers,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"string": client.get,
    }
    return {key: look[client.type(key)](key) for key in client.scan_iter()}


def modelled(space: Keyspace, keys: list[bytes]) -> dict[bytes, object]:
    """The same of the model."""
    shown: dict[bytes, object] = {}
    for key in keys:
        value = space.get(key)
        if isinstance(value, Zset):
            shown[key] = [(member, value.score(member)) for member in value]
        elif value is not None:
            shown[key] = value
    return shown


def check_index(space: Keyspace, keys: list[bytes]) -> None:
    """Where values are, and what keys hold, is the same."""
    for value in (one.encode() for one in VALUES):
        places = space.places.of(value)
        for key in keys:
            there = sum(often for place, often in places.items() if place[0] == key)
            assert there == count(space.get(key), value), (key, value)


@pytest.mark.parametrize("seed", range(3))
def test_the_keyspace_is_followed(live: Scene, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # the same ones each time
    real: list[tuple[dict[bytes, object], set[bytes]]] = []
    with live:
        for number in range(1000):
            with contextlib.suppress(redis.ResponseError):
                live.direct.execute_command(*some_command(chance))
            if number % 3 == 0:
                holds = held(live.direct)
                real.append((holds, {key for key in holds if live.direct.pttl(key) > 0}))
                live.direct.publish("seen", len(real))
    space = Keyspace()
    quiet = {b"SELECT", b"MULTI", b"EXEC", b"PING", b"REPLCONF", b"FLUSHALL"}
    keys = sorted({key for holds, _ in real for key in holds})
    seen = 0
    for record in (one for _, one in live.records if isinstance(one, Effect)):
        if record.words[:2] == (b"PUBLISH", b"seen"):
            holds, ends = real[int(record.words[2]) - 1]
            assert modelled(space, keys) == holds
            assert {key for key in keys if space.ends(key) is not None} == ends
            check_index(space, keys)
            seen += 1
        elif record.words[0].upper() not in quiet:
            assert space.apply(record.words), record.words
    assert seen == len(real)


def count(value: object, item: bytes) -> int:
    """How often something lies in a key."""
    if value is None or isinstance(value, bytes):
        return int(value == item)
    if isinstance(value, Hash):
        return (item in value) + list(value.values()).count(item)
    assert isinstance(value, (deque, set, Zset))
    return list(value).count(item)


def test_a_count_of_attempts_is_no_item_that_was_left(live: Scene) -> None:
    with live:
        live.direct.hset("tries", "a", 3)
        live.direct.hset("claimed", "b", 1)
        live.direct.hset("owner", "c", "me")
        server = RedisServer(live.direct)
        places = Places(leased=("claimed",))
        found, _ = server.drain("q", [b"a", b"b", b"c"], (), Seeding(), places)
    assert [(one.item, one.where) for one in found] == [("b", "leased"), ("c", "leased")]


def test_leases_that_are_texts_fields_and_signs_of_life(live: Scene) -> None:
    """As Redis itself replicates them."""

    def first() -> None:
        client = live.pod(1)
        until = f"{time.time() + 9:.3f}|me"
        client.lmove("q", "p:w-one", "LEFT", "RIGHT")
        client.hset("lease", "a", until)
        client.hget("lease", "a")
        client.lmove("q", "p:w-one", "LEFT", "RIGHT")
        client.setnx("lock:b", "me")
        client.expire("lock:b", 9)
        client.set("alive:w-one", 1, px=9000)
        client.lmove("q", "p:w-one", "LEFT", "RIGHT")

    def second() -> None:
        live.pod(2).exists("alive:w-one")

    with live:
        live.direct.rpush("q", "a", "b", "c")
        live.together(first)
        live.together(second)
    _, events = live.read("q")
    ends = {
        one.item: one.until - one.at for one in events if isinstance(one, ItemLeased) and one.at
    }
    assert ends.keys() == {"a", "b", "c"}
    assert all(end == pytest.approx(9, abs=2) for end in ends.values())
