"""Answers that show a worker which item it has, if the answer to its claim does not."""

from __future__ import annotations

from harness.patterns.fine.interpreter.items.deliveries import COMMANDS, StepContext
from harness.patterns.fine.interpreter.items.role_learner import RoleLearner
from harness.patterns.fine.interpreter.transcript.commands import byte_strings
from harness.patterns.fine.interpreter.transcript.connections import ExecutedUnit
from harness.tap.content import found


class ClaimAnswers:
    """Searches the next answers to a worker for the item that it claimed."""

    def __init__(self, learned: RoleLearner) -> None:
        self._learned = learned
        #: Workers → the items that they do not know yet, and for how many more commands.
        self._open: dict[str, tuple[tuple[bytes, ...], int]] = {}

    def expects(self, act: StepContext, group: ExecutedUnit) -> bool:
        """Return whether a step claimed items without naming them; if so, watch later answers."""
        if group.asked is None or group.asked.answered is None:
            return False
        items = tuple(held.item.value for held in act.new)
        words = [word for line in group.tops for word in line]
        if any(found(word, items) for word in (*group.brought, *words)):
            return False
        self._open[group.worker] = (items, COMMANDS)
        return True

    def read(self, act: StepContext, group: ExecutedUnit) -> None:
        """Learn which command shows a worker the item of its claim."""
        items, remaining = self._open.pop(group.worker, ((), 0))
        if not items:
            return
        for words, value in group.said():
            if any(found(word, items) for word in byte_strings(value)):
                self._learned.told(words)
                return
        if remaining > 1:
            self._open[group.worker] = (items, remaining - 1)
