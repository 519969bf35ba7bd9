"""Replay of Redis' steps, one after the other, into the keyspace and the ledger."""

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
    """Replays steps in the server's order; their events go to `out`."""

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
        self._no_effect = NoEffectCommands(key, self.ledger, self.learned)
        self._polls = PollDetector(queue, epoch, self.learned)
        self._claim_answers = ClaimAnswers(self.learned)
        self._now = epoch
        self._reported: set[bytes] = set()

    def enter(self, step: ReplayStep) -> None:
        """Replay a step, and emit what it shows about items."""
        group = step.group
        self._now = max(self._now, _moment(step, self._now))
        act = StepContext(self._now - self._epoch, self._now, group)
        unit = None if group is None or group.talk is None else group
        if unit is not None and not step.late:
            self._learn_settled(self.ledger.another_command(unit.worker))
        if step.unit is not None:
            self._apply_unit(act, step.unit)
        if unit is not None:
            self._streams.look(act)
            self._leases.look(act)
            self._no_effect.read(act, changed=step.unit is not None)
            self._learn(act, unit)
            self._report_mismatch(act, unit)
            if not step.late and (act.new or self._polls.claims(unit)):
                self._put(self._polls.asked(unit))
        self._leases.given(act)
        delivered = bool(act.new)
        for event in self.ledger.close(act):
            self._out.put(act.at, event)
        if unit is not None and not delivered and not step.late:
            self._put(self._polls.empty(unit))

    def close(self, moment: float) -> None:
        """Record that all steps until this moment were replayed."""
        self._learn_settled(self.ledger.another_batch(moment))

    def _learn_settled(self, acts: list[StepContext]) -> None:
        for act in acts:
            if act.group is not None:
                self.learned.settled(act.group)

    def in_vain(self, group: ExecutedUnit) -> None:
        """Emit the event for a command that waited for an item and got nothing."""
        self._put(self._polls.in_vain(group))

    def places(self) -> Mapping[str, list[bytes]]:
        """Return where items are: "ready", "leased", "dead"."""
        deliveries = [delivery for item in self.ledger.items.values() for delivery in item.held]
        ready = self._streams.ready() if self._streams.used else list(self._ready())
        for delivery in deliveries:
            if delivery.in_place and delivery.item.value in ready and not delivery.returned:
                ready.remove(delivery.item.value)
        leased = [
            delivery.item.value
            for delivery in deliveries
            if not (delivery.in_place and delivery.returned)
        ]
        dead = [value for key in self.learned.dead for value in self._contents(key)]
        return {"ready": ready, "leased": leased, "dead": dead}

    def bodies(self) -> Mapping[bytes, Literal["leased", "dead"]]:
        """Return the state of each key in which an item can be read wherever its id is."""
        known = [item for item in self.ledger.items.values() if item.ids]
        return {
            key: "leased" if item.held else "dead"
            for item in known
            for value in (item.value, *item.forms)
            for key, _ in self.space.places.of(value)
            if value not in item.ids and item.is_body(key) and not self.learned.is_done(key)
        }

    def keys(self) -> int:
        """Count the keys that do not expire."""
        return self.space.lasting() + self._streams.used

    def lose(self) -> None:
        """Forget all keys and end all deliveries, because Redis lost its data.

        No worker settled the items.
        """
        self.space.clear((b"FLUSHALL",))
        self.space.places.changes()
        self.ledger.lose()
        self._streams.lose()

    def leases_understood(self) -> str:
        """Return why leases cannot be determined, or an empty string."""
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

    def _apply_unit(self, act: StepContext, unit: EffectUnit) -> None:
        streams = [effect for effect in unit.effects if self._streams.is_about(effect)]
        expired = _expired(act.group, unit)
        act.expired = {key for key, sub in expired if not sub and self.space.ends(key) is not None}
        for effect in unit.effects:
            if effect not in streams and not self.space.apply(effect):
                self._report_unknown(act, effect)
        before, notes = self.space.places.changes()
        self._moves.read(act, before)
        # Streams come last: the place of an item's copy shows the meaning of its end.
        for effect in streams:
            if not self._streams.apply(act, effect):
                self._report_unknown(act, effect)
        for effect in unit.effects:
            for key in _expiring_keys(effect):
                self.ledger.expires(key)
        known = bool(act.expired) and all(
            name(removal) in (b"DEL", b"UNLINK") and set(placed(removal)[1:]) <= act.expired
            for removal in unit.effects
        )
        if act.group is None and (act.events or act.new) and not known:
            why = "nobody who was seen has asked for this, and it has moved items"
            self._report_not_understood(act, unit.effects[0], why)
        self._report_guess(act, unit)
        if notes:
            self._leases.read(act, notes, expired=expired)

    def _report_guess(self, act: StepContext, unit: EffectUnit) -> None:
        """Report once that items are followed in bytes in which they cannot be read."""
        if self._moves.guess is None or b"guess" in self._reported:
            return
        self._reported.add(b"guess")
        why = (
            f"what workers take lies in {shown(self._moves.guess)} in bytes in which the items "
            "cannot be read, so what becomes of them is a guess: keep the item's bytes in it, as "
            "they are or in JSON, base64 or hexadecimal form"
        )
        self._report_not_understood(act, unit.effects[0], why, guessed=True)

    def _report_mismatch(self, act: StepContext, group: ExecutedUnit) -> None:
        """Report once that the queue is not of the kind that this worker expects."""
        refusal = group.asked.value if group.asked is not None and group.asked.refused else None
        answers = [value for _, value in group.said()] if refusal is None else [refusal]
        texts = [str(answer) for answer in answers if isinstance(answer, ErrorReply)]
        if not texts or not any(self._key in line for line in group.lines):
            return
        kind = next((answer for answer in texts if "WRONGTYPE" in answer), "")
        if not kind and self._streams.used:  # a stream that does not exist yet has no group either
            kind = next((answer for answer in texts if "NOGROUP" in answer), "")
        if kind and b"misfit" not in self._reported:
            self._reported.add(b"misfit")
            why = f"Redis has answered {kind[:_SAMPLE]}: see --seed, --stream-group"
            self._report_not_understood(act, group.tops[0], why)

    def unread(self) -> None:
        """At the end, report a stream that workers read in a way that the harness did not watch."""
        if why := self._streams.unread():
            self._report_not_understood(
                StepContext(self._now - self._epoch, self._now, None), (self._key,), why
            )

    def _report_unknown(self, act: StepContext, effect: Words) -> None:
        """Report an unknown effect once, if it may be about items."""
        keys = {self._key, *self.learned.processing, *self.learned.dead}
        words = placed(effect)[1:]
        about_all = any(word in keys for word in words)
        named = list(dict.fromkeys(item for word in words for item in self.ledger.all_of(word)))
        # Outside the places of items, it can only copy the items that it names.
        items = () if about_all else tuple(item.payload for item in named)
        subject = b" ".join((name(effect), *(item.value for item in named if not about_all)))
        if (about_all or named) and subject not in self._reported:
            self._reported.add(subject)
            why = f"what {shown(name(effect))} does to items is not known"
            self._report_not_understood(act, effect, why, items)

    def _report_not_understood(
        self,
        act: StepContext,
        effect: Words,
        why: str,
        items: tuple[Payload, ...] = (),
        *,
        guessed: bool = False,
    ) -> None:
        command = b" ".join(effect)
        sample = payload(command[:_SAMPLE])
        connection = act.connection or NOBODY
        event = NotUnderstood(connection, "broker", why, sample, len(command), guessed, items)
        self._out.put(act.at, event)

    def _put(self, told: Iterator[tuple[float, Observation]]) -> None:
        for at, event in told:
            self._out.put(at, event)

    def _learn(self, act: StepContext, group: ExecutedUnit) -> None:
        self._claim_answers.read(act, group)
        if act.new:
            self.learned.claimed(group, silent=self._claim_answers.expects(act, group))
            searched = {key for words in group.lines for key in sources(words)}
            self.learned.looked(searched - {self._key})
        if act.settled:
            self.learned.settled(group)
        if act.renewed:
            self.learned.renewed(group)
        if act.gave_back:
            self.learned.gave_back(group)
        self.learned.asked(group, {self._key, *self.learned.processing})

    # -- places -------------------------------------------------------------------------------

    def _ready(self) -> list[bytes]:
        item_groups = map(self.ledger.all_of, self._contents(self._key))
        return [item.value for group in item_groups for item in group]

    def _contents(self, key: bytes) -> list[bytes]:
        value = self.space.get(key)
        return [] if value is None or isinstance(value, bytes) else list(value)


def _moment(step: ReplayStep, now: float) -> float:
    """Return when a step was, by Redis' clock.

    An effect without a command was before the tap received it.
    """
    if step.late:
        return now
    if step.group is not None:
        return step.group.at
    return now if step.unit is None else min(step.unit.at, step.before)


def _expiring_keys(effect: Words) -> tuple[bytes, ...]:
    """Return the keys that receive an expiry with this effect."""
    return placed(effect)[1:2] if name(effect) == b"PEXPIREAT" else ()


def _expired(group: ExecutedUnit | None, unit: EffectUnit) -> set[Place]:
    """Return the keys and fields of hashes that are gone, and that no command deleted."""
    gone: set[Place] = set()
    for effect in unit.effects:
        if group is None or not any(may_replicate_as(line, effect) for line in group.lines):
            gone.update(unasked(placed(effect)))
    return gone
