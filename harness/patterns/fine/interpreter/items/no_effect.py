"""Commands that changed nothing and still show something about items."""

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
    """Finds settlements that came too late, and deliveries that a worker requests again."""

    def __init__(self, queue: bytes, ledger: DeliveryLedger, learned: RoleLearner) -> None:
        self._queue, self._ledger, self._learned = queue, ledger, learned

    def read(self, act: StepContext, *, changed: bool) -> None:
        """Check the answers of a step; `changed` means that the step had effects."""
        group = act.group
        if group is None or group.talk is None:
            return
        for words, value in group.said():
            if name(words) in REMOVERS:
                if had_no_effect(words, value) and self._is_place(words[1]):
                    self._too_late(act, self._delivery_named(act, words[2:]))
            elif changed:
                continue
            elif self._learned.is_settling(words) and not value:
                held = self._delivery_named(act, words[1:])
                self._too_late(act, held or self._ledger.given.get(act.worker))
            elif self._learned.is_claim(words):
                self._redelivered(act, words)
        for words in group.given_up:
            if name(words) in REMOVERS and self._is_place(words[1]):
                self._aborted(act, words[2:])

    def _is_place(self, key: bytes) -> bool:
        return key == self._queue or self._learned.is_processing(key)

    def _too_late(self, act: StepContext, held: Delivery | None) -> None:
        # A worker that removes an item from several places does so once.
        if held is not None and act.worker not in held.refused:
            held.refused.add(act.worker)
            self._ledger.fail_to_settle(act, held)

    def _aborted(self, act: StepContext, words: Words) -> None:
        """Record an aborted settlement: it failed if the item was not this worker's any more.

        Otherwise, for example, the lease was only renewed meanwhile, and the worker will try once
        more.
        """
        current = self._ledger.given.get(act.worker)
        if current is None or current.item.value not in words:
            return
        if current.returned or current not in current.item.held:
            self._too_late(act, current)

    def _delivery_named(self, act: StepContext, words: Words) -> Delivery | None:
        """Return the delivery that a command is about: the worker's own, if it had that item."""
        for word in words:
            held = self._ledger.tokens.get(word)
            if held is not None:
                return held
            item = self._ledger.item_of(word)
            if item is not None:
                current = self._ledger.given.get(act.worker)
                if current is not None and current.item is item:
                    return current
                return item.held[-1] if item.held else item.last
        return None

    def _redelivered(self, act: StepContext, words: Words) -> None:
        for word in words:
            held = self._ledger.tokens.get(word)
            if held is not None and held in held.item.held and act.answer_has(held.item.value):
                self._ledger.again(act, held)
                return
