"""Commands that have changed nothing and still say something about items."""

from __future__ import annotations

from harness.patterns.fine.interpreter.items.deliveries import Delivery, StepContext
from harness.patterns.fine.interpreter.items.ledger import DeliveryLedger
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.transcript.commands import (
    REMOVERS,
    Words,
    had_no_effect,
    name,
)


class NoEffectCommands:
    """Finds settlements that came too late, and deliveries that are asked for again."""

    def __init__(self, queue: bytes, ledger: DeliveryLedger, learned: RoleLearner) -> None:
        self._queue, self._ledger, self._learned = queue, ledger, learned

    def read(self, act: StepContext, *, changed: bool) -> None:
        """Look at the answers of a step; `changed`: it has had effects."""
        group = act.group
        if group is None or group.talk is None:
            return
        for words, value in group.said():
            if name(words) in REMOVERS:
                if had_no_effect(words, value) and self._is_place(words[1]):
                    self._too_late(act, self._named(act, words[2:]))
            elif changed:
                continue
            elif self._learned.is_settling(words) and not value:
                held = self._named(act, words[1:])
                self._too_late(act, held or self._ledger.given.get(act.worker))
            elif self._learned.is_claim(words):
                self._again(act, words)
        for words in group.given_up:
            if name(words) in REMOVERS and self._is_place(words[1]):
                self._lost(act, words[2:])

    def _is_place(self, key: bytes) -> bool:
        return key == self._queue or self._learned.is_processing(key)

    def _too_late(self, act: StepContext, held: Delivery | None) -> None:
        # Who takes an item away in several places does so once.
        if held is not None and act.worker not in held.refused:
            held.refused.add(act.worker)
            self._ledger.fail_to_settle(act, held)

    def _lost(self, act: StepContext, words: Words) -> None:
        """A report that was given up: in vain, if the item was this worker's no more.

        Else its lease was only renewed meanwhile, or the like, and it will try once more.
        """
        own = self._ledger.given.get(act.worker)
        if own is None or own.item.value not in words:
            return
        if own.returned or own not in own.item.held:
            self._too_late(act, own)

    def _named(self, act: StepContext, words: Words) -> Delivery | None:
        """The delivery that a command is about: this worker's own one, if it had that item."""
        for word in words:
            held = self._ledger.tokens.get(word)
            if held is not None:
                return held
            item = self._ledger.item_of(word)
            if item is not None:
                own = self._ledger.given.get(act.worker)
                if own is not None and own.item is item:
                    return own
                return item.held[-1] if item.held else item.last
        return None

    def _again(self, act: StepContext, words: Words) -> None:
        for word in words:
            held = self._ledger.tokens.get(word)
            if held is not None and held in held.item.held and act.answer_has(held.item.value):
                self._ledger.again(act, held)
                return
