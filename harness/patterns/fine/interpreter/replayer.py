"""One step of Redis after the other, entered in the keyspace and in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from harness.history import NotUnderstood, Observation, Payload, payload
from harness.patterns.command_roles import Roles
from harness.patterns.fine.interpreter.effect_matcher import ReplayStep
from harness.patterns.fine.interpreter.event_buffer import EventBuffer
from harness.patterns.fine.interpreter.items.claim_answers import ClaimAnswers
from harness.patterns.fine.interpreter.items.deliveries import StepContext
from harness.patterns.fine.interpreter.items.leases import Leases, unasked
from harness.patterns.fine.interpreter.items.ledger import NOBODY, DeliveryLedger
from harness.patterns.fine.interpreter.items.moves import MoveInterpreter
from harness.patterns.fine.interpreter.items.no_effect import NoEffectCommands
from harness.patterns.fine.interpreter.items.polls import PollDetector
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.items.stream_group import Stream, Streams
from harness.patterns.fine.interpreter.keyspace.keyspace import Keyspace
from harness.patterns.fine.interpreter.keyspace.locations import Place
from harness.patterns.fine.interpreter.transcript.batches import EffectUnit
from harness.patterns.fine.interpreter.transcript.commands import (
    Words,
    may_replicate_as,
    name,
    placed,
    shown,
    sources,
)
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit
from harness.tap.records import ErrorReply

_SAMPLE = 256


class Replayer:
    """Takes steps in the server's order; their events go to `out`."""

    def __init__(
        self, queue: str, epoch: float, roles: Roles, stream: Stream, out: EventBuffer
    ) -> None:
        key = queue.encode()
        self._key, self._epoch, self._out = key, epoch, out
        self.space = Keyspace()
        self.learned = RoleLearner(roles, teaching=roles == Roles())
        self.ledger = DeliveryLedger(queue, epoch)
        self._leases = Leases(key, self.space, self.ledger, self.learned)
        self._moves = MoveInterpreter(key, self.space, self.ledger, self.learned, self._leases)
        self._streams = Streams(key, stream, self.ledger, self.learned, self._leases.is_deadline)
        self._vain = NoEffectCommands(key, self.ledger, self.learned)
        self._asking = PollDetector(queue, epoch, self.learned)
        self._telling = ClaimAnswers(self.learned)
        self._now = epoch
        self._unknown: set[bytes] = set()

    def enter(self, step: ReplayStep) -> None:
        """Do a step, and put out what it says of items."""
        group = step.group
        self._now = max(self._now, _moment(step, self._now))
        act = StepContext(self._now - self._epoch, self._now, group)
        own = None if group is None or group.talk is None else group
        if own is not None and not step.late:
            self._settled(self.ledger.another_command(own.worker))
        if step.unit is not None:
            self._change(act, step.unit)
        if own is not None:
            self._streams.look(act)
            self._leases.look(act)
            self._vain.read(act, changed=step.unit is not None)
            self._learn(act, own)
            self._misfit(act, own)
            if not step.late and (act.new or self._asking.claims(own)):
                self._put(self._asking.asked(own))
        self._leases.given(act)
        given = bool(act.new)
        for event in self.ledger.close(act):
            self._out.put(act.at, event)
        if own is not None and not given and not step.late:
            self._put(self._asking.empty(own))

    def close(self, moment: float) -> None:
        """All that was until this moment has been entered."""
        self._settled(self.ledger.another_batch(moment))

    def _settled(self, acts: list[StepContext]) -> None:
        for act in acts:
            if act.group is not None:
                self.learned.settled(act.group)

    def in_vain(self, group: ExecutedUnit) -> None:
        """A command that has waited for an item was answered with nothing."""
        self._put(self._asking.in_vain(group))

    def places(self) -> Mapping[str, list[bytes]]:
        """Where items are: "ready", "leased", "dead"."""
        held = [one for item in self.ledger.items.values() for one in item.held]
        ready = self._streams.ready() if self._streams.used else list(self._ready())
        for one in held:
            if one.in_place and one.item.value in ready and not one.returned:
                ready.remove(one.item.value)
        leased = [one.item.value for one in held if not (one.in_place and one.returned)]
        dead = [value for key in self.learned.dead for value in self._contents(key)]
        return {"ready": ready, "leased": leased, "dead": dead}

    def bodies(self) -> Mapping[bytes, Literal["leased", "dead"]]:
        """Keys in which items can be read wherever their ids are: how it stands with those."""
        known = [item for item in self.ledger.items.values() if item.ids]
        return {
            key: "leased" if item.held else "dead"
            for item in known
            for value in (item.value, *item.forms)
            for key, _ in self.space.places.of(value)
            if value not in item.ids and item.is_body(key) and not self.learned.is_done(key)
        }

    def keys(self) -> int:
        """How many keys there are that do not end by themselves."""
        return self.space.lasting() + self._streams.used

    def lose(self) -> None:
        """Redis has lost all that it had: nobody has settled it, and nobody has it any more."""
        self.space.clear((b"FLUSHALL",))
        self.space.places.changes()
        self.ledger.lose()
        self._streams.lose()

    def leases_understood(self) -> str:
        """Why leases cannot be told, or empty."""
        if self._leases.seen or self.learned.idle is not None:
            return ""
        if self._streams.used:
            return "nobody used XAUTOCLAIM or XCLAIM, so it is not known when a lease ends"
        if not self.learned.processing:
            return ""
        lie = " and ".join(shown(key) for key in self.learned.processing)
        why = "no lease on them was seen"
        if self._leases.stamps:
            stamps = " and ".join(shown(key) for key in sorted(self._leases.stamps))
            why = f"{stamps} has when they were claimed, not until when"
        return f"claimed items lie in {lie}, and {why}"

    # -- a step -------------------------------------------------------------------------------

    def _change(self, act: StepContext, unit: EffectUnit) -> None:
        streams = [effect for effect in unit.effects if self._streams.is_about(effect)]
        expired = _expired(act.group, unit)
        act.expired = {key for key, sub in expired if not sub and self.space.ends(key) is not None}
        for effect in unit.effects:
            if effect not in streams and not self.space.apply(effect):
                self._not_known(act, effect)
        before, notes = self.space.places.changes()
        self._moves.read(act, before)
        # After the others: where a copy of an item has come to lie tells what its end means.
        for effect in streams:
            if not self._streams.apply(act, effect):
                self._not_known(act, effect)
        for effect in unit.effects:
            for key in _timed(effect):
                self.ledger.expires(key)
        known = bool(act.expired) and all(
            name(one) in (b"DEL", b"UNLINK") and set(placed(one)[1:]) <= act.expired
            for one in unit.effects
        )
        if act.group is None and (act.events or act.new) and not known:
            why = "nobody who was seen has asked for this, and it has moved items"
            self._not_understood(act, unit.effects[0], why)
        self._guessed(act, unit)
        if notes:
            self._leases.read(act, notes, expired=expired)

    def _guessed(self, act: StepContext, unit: EffectUnit) -> None:
        """Say so, once, when items are followed in bytes in which they cannot be read."""
        if self._moves.guess is None or b"guess" in self._unknown:
            return
        self._unknown.add(b"guess")
        why = (
            f"what workers take lies in {shown(self._moves.guess)} in bytes in which the items "
            "cannot be read, so what becomes of them is a guess: keep the item's bytes in it, as "
            "they are or in JSON, base64 or hexadecimal form"
        )
        self._not_understood(act, unit.effects[0], why, guessed=True)

    def _misfit(self, act: StepContext, group: ExecutedUnit) -> None:
        """Say so, once, when the queue is not what this worker takes it for."""
        said = group.asked.value if group.asked is not None and group.asked.refused else None
        answers = [value for _, value in group.said()] if said is None else [said]
        texts = [str(one) for one in answers if isinstance(one, ErrorReply)]
        if not texts or not any(self._key in line for line in group.lines):
            return
        kind = next((one for one in texts if "WRONGTYPE" in one), "")
        if not kind and self._streams.used:  # one that is not there yet has no group either
            kind = next((one for one in texts if "NOGROUP" in one), "")
        if kind and b"misfit" not in self._unknown:
            self._unknown.add(b"misfit")
            why = f"Redis has answered {kind[:_SAMPLE]}: see --seed, --stream-group"
            self._not_understood(act, group.tops[0], why)

    def unread(self) -> None:
        """At the end: say so when the stream was read in a way that was not looked at."""
        if why := self._streams.unread():
            self._not_understood(
                StepContext(self._now - self._epoch, self._now, None), (self._key,), why
            )

    def _not_known(self, act: StepContext, effect: Words) -> None:
        """Say so, once, where it may be about items."""
        keys = {self._key, *self.learned.processing, *self.learned.dead}
        words = placed(effect)[1:]
        about_all = any(word in keys for word in words)
        named = list(dict.fromkeys(item for word in words for item in self.ledger.all_of(word)))
        # Away from where items lie it can do no more than copy those that it names.
        items = () if about_all else tuple(item.payload for item in named)
        said = b" ".join((name(effect), *(item.value for item in named if not about_all)))
        if (about_all or named) and said not in self._unknown:
            self._unknown.add(said)
            why = f"what {shown(name(effect))} does to items is not known"
            self._not_understood(act, effect, why, items)

    def _not_understood(
        self,
        act: StepContext,
        effect: Words,
        why: str,
        items: tuple[Payload, ...] = (),
        *,
        guessed: bool = False,
    ) -> None:
        said = b" ".join(effect)
        sample = payload(said[:_SAMPLE])
        connection = act.connection or NOBODY
        what = NotUnderstood(connection, "broker", why, sample, len(said), guessed, items)
        self._out.put(act.at, what)

    def _put(self, told: Iterator[tuple[float, Observation]]) -> None:
        for at, event in told:
            self._out.put(at, event)

    def _learn(self, act: StepContext, group: ExecutedUnit) -> None:
        self._telling.read(act, group)
        if act.new:
            self.learned.claimed(group, silent=self._telling.expects(act, group))
            looked = {key for words in group.lines for key in sources(words)}
            self.learned.looked(looked - {self._key})
        if act.settled:
            self.learned.settled(group)
        if act.renewed:
            self.learned.renewed(group)
        if act.gave_back:
            self.learned.gave_back(group)
        self.learned.asked(group, {self._key, *self.learned.processing})

    # -- places -------------------------------------------------------------------------------

    def _ready(self) -> list[bytes]:
        items = map(self.ledger.all_of, self._contents(self._key))
        return [item.value for some in items for item in some]

    def _contents(self, key: bytes) -> list[bytes]:
        value = self.space.get(key)
        return [] if value is None or isinstance(value, bytes) else list(value)


def _moment(step: ReplayStep, now: float) -> float:
    """When a step was, by Redis' clock; what nobody asked for was before the tap was told."""
    if step.late:
        return now
    if step.group is not None:
        return step.group.at
    return now if step.unit is None else min(step.unit.at, step.before)


def _timed(effect: Words) -> tuple[bytes, ...]:
    """Keys that get an end with this effect."""
    return placed(effect)[1:2] if name(effect) == b"PEXPIREAT" else ()


def _expired(group: ExecutedUnit | None, unit: EffectUnit) -> set[Place]:
    """Keys, and fields of hashes, that nobody has deleted, and that are gone."""
    gone: set[Place] = set()
    for effect in unit.effects:
        if group is None or not any(may_replicate_as(line, effect) for line in group.lines):
            gone.update(unasked(placed(effect)))
    return gone
