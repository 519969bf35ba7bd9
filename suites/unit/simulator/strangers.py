"""Workers as others write them: right, or with one defect, in any disguise."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from harness.suites.truth.disguises import Disguise
from harness.suites.truth.workers import FAILING, Stranger
from harness.suites.unit.simulator.kubelet import Body, Program
from harness.suites.unit.simulator.leases import QUEUE, SHAPES, Claim, Leases
from harness.suites.unit.simulator.rabbit import Channel, Rabbit
from harness.suites.unit.simulator.tap import Lost, Tap
from harness.suites.unit.simulator.world import Steps
from harness.tap.records import Delivery

#: Seconds: of a lease, for an item, between two looks.
LEASE, WORK, POLL = 6.0, 1.5, 0.5
#: Of a lease in the wrong unit, or as good as none.
ENDLESS = 3600.0
#: Of one that is to last for a whole stock.
LONG = 60.0
#: How long who does not wait for ever waits for others.
PATIENCE = 8.0
#: Of the work, after which who reports too early does so.
_PART = 0.4
#: How late lines are that go through a filter, in seconds.
_LATE = 1.5


def program(who: Stranger, broker: Any) -> Program:
    """What a worker's process does."""
    if isinstance(broker, Tap):
        return lambda body: _fine(body, who)
    return lambda body: _coarse(body, who, broker)


# -- what it says, and its work --------------------------------------------------------------------


@dataclass
class Voice:
    """Prints lines as the disguise wants them."""

    body: Body
    disguise: Disguise
    began: dict[bytes, float] = field(default_factory=dict)

    @property
    def last(self) -> float:
        """Seconds until it ends, for its last line."""
        return 2 * _LATE if self.disguise.lines == "late" else 0.05

    def begins(self, item: bytes) -> None:
        self.began[item] = self.body.world.now
        self._says(self.disguise.begins, item)

    def ends(self, item: bytes) -> None:
        self._says(self.disguise.ends, item)

    def lines(self, texts: tuple[str, ...]) -> None:
        for text in texts:
            self._print(text)

    def _says(self, words: str, item: bytes) -> None:
        name = item.decode(errors="backslashreplace")
        seconds = self.body.world.now - self.began.get(item, self.body.world.now)
        if words:
            self._print(words.format(item=name, quoted=json.dumps(name), seconds=seconds))

    def _print(self, text: str) -> None:
        if self.disguise.lines == "at the end":
            self.body.buffer.append(text)
        else:
            self.body.prints(text, _LATE if self.disguise.lines == "late" else 0.0)


def seconds_for(item: bytes, disguise: Disguise) -> float:
    """How long the work on an item takes."""
    if disguise.work == "steady":
        return WORK
    return WORK * (6.0 if sum(item) % 4 == 0 else 0.5)


def _other(item: bytes) -> bytes:
    return b"other-" + item[::-1] if sum(item) % 3 == 0 else item


# -- fine ------------------------------------------------------------------------------------------


def _fine(body: Body, who: Stranger) -> Steps:
    disguise, wrong = who.disguise, who.wrong
    voice = Voice(body, disguise)
    yield disguise.boot
    wire = body.connects()
    if disguise.talk == "resp3":
        yield from wire.ask("HELLO", "3")
    voice.lines(disguise.banner)
    me = body.place.name if disguise.same_name else f"{body.place.name}.{body.number}"
    lease = {"endless leases": ENDLESS, "hoards": LONG}.get(wrong, LEASE)
    shape = SHAPES[disguise.lease]
    queue = shape(wire, me, lease, reclaims=wrong != "never takes over", dead=disguise.dead)
    reports = shape(body.connects(), me, lease) if disguise.talk == "two connections" else queue
    if wrong == "fabricates":
        voice.begins(b"melon-of-nobody")
        voice.ends(b"melon-of-nobody")
    yield from _drains(body, who, voice, queue, reports)
    while wrong == "never exits":
        yield POLL
    voice.lines(disguise.farewell)
    yield voice.last
    body.exits(0)


def _drains(body: Body, who: Stranger, voice: Voice, queue: Leases, reports: Leases) -> Steps:
    """Take items until there is none."""
    wrong, stock = who.wrong, list[Claim]()
    while stock or not (yield from queue.empty(ready_only=wrong in ("leaves early", "pops"))):
        claim = stock.pop(0) if stock else (yield from _claims(queue, wrong, stock))
        if claim is None:
            yield POLL
            continue
        yield from _attempt(body, who, voice, reports, claim, stock=stock)
        if body.code is not None:
            return
        if wrong == "never settles":
            return


def _claims(queue: Leases, wrong: str, stock: list[Claim]) -> Generator[float, None, Claim | None]:
    if wrong == "pops":
        item = yield from queue.wire.ask("LPOP", QUEUE)
        return None if item is None else Claim(item, b"")
    first = yield from queue.claim()
    while wrong == "hoards" and first and len(stock) < 5:
        more = yield from queue.claim()
        if more is None:
            break
        stock.append(more)
    return first  # type: ignore[no-any-return]


def _attempt(
    body: Body, who: Stranger, voice: Voice, queue: Leases, claim: Claim, *, stock: list[Claim]
) -> Steps:
    wrong, item = who.wrong, claim.item
    if wrong == "skips what comes again" and claim.attempt > 1:
        yield from queue.settle(claim)
        return
    if wrong == "marks before the work":
        mark = b"seen:" + item
        if (yield from queue.wire.ask("EXISTS", mark)):
            yield from queue.settle(claim)
            return
        yield from queue.wire.ask("SET", mark, "1")
    shown = _other(item) if wrong == "works on another" else item
    voice.begins(shown)
    if wrong == "settles first":
        yield from queue.settle(claim)
    whole = seconds_for(item, who.disguise)
    early = wrong == "settles midway"
    if early:
        yield from _works(queue, claim, whole * _PART, stock, wrong)
        yield from queue.settle(claim)
        whole *= 1 - _PART
    yield from _works(queue, claim, whole, stock, wrong)
    if item == FAILING:
        yield from _fails(body, who, queue, claim)
        return
    voice.ends(shown)
    if wrong in ("pops", "settles first", "settles midway", "never settles"):
        return
    yield from queue.settle(claim)


def _works(queue: Leases, claim: Claim, seconds: float, stock: list[Claim], wrong: str) -> Steps:
    """The work, with the lease renewed as long as it lasts."""
    while seconds > 0:
        step = min(seconds, LEASE / 3)
        yield step
        seconds -= step
        if seconds > 0 and wrong not in ("pops", "settles first"):
            for held in (claim, *stock):
                yield from queue.renew(held)


def _fails(body: Body, who: Stranger, queue: Leases, claim: Claim) -> Steps:
    wrong = who.wrong
    gone = wrong in ("pops", "settles first", "settles midway")
    if wrong == "swallows" or (wrong == "drops the third failure" and claim.attempt >= 3):
        yield from queue.settle(claim)
        return
    if wrong == "hides failures":
        body.exits(0)
        return
    if who.disguise.dead and wrong != "drops the third failure" and not gone:
        yield from queue.bury(claim)
        return
    if not gone:
        yield from queue.give_back(claim)
    body.exits(1)


# -- coarse ----------------------------------------------------------------------------------------


def _coarse(body: Body, who: Stranger, rabbit: Rabbit) -> Steps:
    disguise, wrong = who.disguise, who.wrong
    voice = Voice(body, disguise)
    yield disguise.boot
    channel = Channel(rabbit, body.connects())
    yield from channel.open()
    voice.lines(disguise.banner)
    if wrong == "fabricates":
        voice.begins(b"melon-of-nobody")
        voice.ends(b"melon-of-nobody")
    if wrong == "leaves on empty" and not rabbit.queues.get(rabbit.queue):
        body.exits(0)
        return
    room = {"hoards": 5, "takes two": 2, "pops": 0}.get(wrong, 1)
    if disguise.talk == "get" and room == 1:
        deliveries = [(yield from channel.get())]
    else:
        yield from channel.qos(room)
        yield from channel.consume(no_ack=wrong == "pops")
        deliveries = [(yield from channel.next())]
        if wrong == "takes two":
            deliveries += channel.more()
        if wrong != "hoards":
            yield from channel.cancel()
    for delivery in deliveries:
        yield from _message(body, who, voice, channel, delivery)
        if body.code is not None:
            return
    while wrong == "never exits":
        yield POLL
    voice.lines(disguise.farewell)
    yield voice.last
    body.exits(0)


def _message(
    body: Body, who: Stranger, voice: Voice, channel: Channel, delivery: Delivery
) -> Steps:
    wrong, item, tag = who.wrong, delivery.body, delivery.tag
    if wrong == "skips what comes again" and delivery.redelivered:
        yield from channel.ack(tag)
        return
    shown = _other(item) if wrong == "works on another" else item
    voice.begins(shown)
    if wrong == "settles first":
        yield from channel.ack(tag)
    whole = seconds_for(item, who.disguise)
    if wrong == "settles midway":
        yield whole * _PART
        yield from channel.ack(tag)
        whole *= 1 - _PART
    yield whole
    if not channel.wire.open:
        raise Lost
    if item == FAILING:
        yield from _refuses(body, who, channel, delivery)
        return
    voice.ends(shown)
    if wrong in ("pops", "settles first", "settles midway", "never settles"):
        return
    yield from _reports(who.disguise, channel, delivery)


def _reports(disguise: Disguise, channel: Channel, delivery: Delivery) -> Steps:
    result = b"result of " + delivery.body
    if disguise.talk == "transaction":
        yield from channel.begin()
        yield from channel.publish("results", result)
        yield from channel.ack(delivery.tag)
        yield from channel.commit()
        return
    if disguise.talk == "confirms":
        yield from channel.confirms()
        yield from channel.publish("results", result, confirmed=True)
    yield from channel.ack(delivery.tag)


def _refuses(body: Body, who: Stranger, channel: Channel, delivery: Delivery) -> Steps:
    wrong, tag = who.wrong, delivery.tag
    code = 1
    if wrong in ("pops", "settles first", "settles midway"):
        pass
    elif wrong == "swallows":
        yield from channel.ack(tag)
        code = 0
    elif wrong == "hides failures":
        yield from channel.nack(tag, requeue=True)
        code = 0
    elif wrong == "rejects into nothing":
        yield from channel.nack(tag, requeue=False)
    elif who.disguise.dead:
        text = delivery.body.decode()
        made = json.dumps({"error": "failed", "body": text}).encode()
        made = delivery.body.hex().encode() if who.disguise.dead == "hex" else made
        yield from channel.confirms()
        yield from channel.publish("job1.failed", made, confirmed=True)
        yield from channel.ack(tag)
    else:
        yield from channel.nack(tag, requeue=True)
    yield 0.02
    body.exits(code)
